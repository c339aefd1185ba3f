package chain

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestRefusedRulesAreNamedAllAtOnceAndTheRestIsProved(t *testing.T) {
	everywhere(t, func(r room) {
		before := r.save()
		bad, worse, good := r.name("filter/VPND-BAD"), r.name("nat/VPND-WORSE"), r.name("filter/VPND-GOOD")
		normal, err := r.Normalize(context.Background(), map[string]*Chain{
			bad:   wishFor("FORWARD", "", "-p tcp -j ACCEPT", "-p tcp --dport 99999 -j ACCEPT", "-j MASQUERADE", "-m set --match-set nobody src -j DROP"),
			worse: wishFor("PREROUTING", "", "-j MASQUERADE", "-m nosuch -j ACCEPT"),
			good:  wishFor("FORWARD", "", "-j VPND-BAD"),
		})
		named, general := resource.Split(err)
		if general != nil || len(named) != 2 || len(normal) != 1 || normal[good] == nil {
			t.Fatalf("%v; %v", normal, err)
		}
		kernel := map[string]string{kernel.NFT: "the kernel refuses it (Invalid argument)", kernel.Legacy: "the kernel refuses it (exit status 1)"}[r.Backend]
		rest := ", lead round in a circle, or need a module that the kernel lacks; see iptables-extensions(8)"
		for name, want := range map[string][]string{
			bad: {
				`rules[1] "-p tcp --dport 99999 -j ACCEPT": invalid port/service ` + "`99999' specified; see iptables-extensions(8)",
				`rules[2] "-j MASQUERADE": ` + kernel + "; it may not be meant for table filter or for the hook FORWARD" + rest,
				`rules[3] "-m set --match-set nobody src -j DROP": Set nobody doesn't exist; create the ipset first`,
			},
			worse: {
				`rules[0] "-j MASQUERADE": ` + kernel + "; it may not be meant for table nat or for the hook PREROUTING" + rest,
				`rules[1] "-m nosuch -j ACCEPT": Couldn't load match ` + "`nosuch':No such file or directory; see iptables-extensions(8)",
			},
		} {
			if got := named[name].Error(); got != strings.Join(want, "\n") {
				r.Errorf("%s: got\n%s\nwant\n%s", name, got, strings.Join(want, "\n"))
			}
		}
		if after := r.save(); after != before {
			r.Errorf("something was written:\n%s", after)
		}
	})
}

func TestCircleIsRefused(t *testing.T) {
	everywhere(t, func(r room) {
		_, err := r.Normalize(context.Background(), map[string]*Chain{
			r.name("filter/VPND-A"): wishFor("INPUT", "", "-j VPND-B"),
			r.name("filter/VPND-B"): wishFor("", "", "-j VPND-A"),
		})
		if err == nil || !strings.Contains(err.Error(), `rules[0] "-j VPND-A": the kernel refuses it`) || !strings.Contains(err.Error(), "lead round in a circle") {
			r.Errorf("got %v", err)
		}
	})
}

func TestRefusedTransactionChangesNothingAndIsAnErrorOfEachChain(t *testing.T) {
	everywhere(t, func(r room) {
		a, b := r.name("filter/VPND-A"), r.name("filter/VPND-B")
		r.converge(map[string]*Chain{a: wishFor("INPUT", "", "-j DROP")})
		before := r.save()
		err := r.Apply(context.Background(), []resource.Item[Chain]{
			{Name: a, Want: *wishFor("INPUT", "", "-j ACCEPT")},
			{Name: b, Want: *wishFor("INPUT", "", "-p tcp --dport 99999 -j ACCEPT")},
		})
		named, _ := resource.Split(err)
		want := "restoring table filter of " + r.family + ": invalid port/service `99999' specified; nothing of it was changed"
		if len(named) != 2 || named[a].Error() != want || named[b].Error() != want {
			r.Errorf("got %v", err)
		}
		if after := r.save(); after != before {
			r.Errorf("after:\n%s\nbefore:\n%s", after, before)
		}
	})
}

func TestLockOfOthersIsWaitedForButNotForEver(t *testing.T) {
	everywhere(t, func(r room) {
		lock, err := os.OpenFile("/run/xtables.lock", os.O_CREATE|os.O_RDONLY, 0o600)
		if err != nil {
			r.Fatal(err)
		}
		defer lock.Close()
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			r.Fatal(err)
		}
		r.LockWait = time.Second
		name := r.name("filter/VPND-A")
		normal, err := r.Normalize(context.Background(), map[string]*Chain{name: wishFor("INPUT", "", "-j DROP")})
		if err != nil {
			r.Fatalf("proving waits for the lock of the host: %v", err)
		}
		err = resourcetest.Apply(context.Background(), r, name, nil, *normal[name])
		if r.Backend == kernel.NFT {
			if err != nil {
				r.Errorf("this backend has no lock: %v", err)
			}
			return
		}
		want := "restoring table filter of " + r.family + ": another program holds the lock of xtables, and nothing tells which; try again; nothing of it was changed"
		if err == nil || err.Error() != want {
			r.Errorf("got  %v\nwant %s", err, want)
		}
	})
}

func TestCancelledContextIsAnError(t *testing.T) {
	everywhere(t, func(r room) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := resourcetest.Observe(ctx, r, r.name("filter/VPND-A")); err == nil || !strings.Contains(err.Error(), "context canceled") {
			r.Errorf("got %v", err)
		}
	})
}

// A restore that is killed anywhere has done all of a table or nothing.
func TestKilledApplyIsWholeOrNotThere(t *testing.T) {
	everywhere(t, func(r room) {
		name := r.name("filter/VPND-X")
		want := Chain{Hook: resource.Ptr("FORWARD"), Rules: make([]string, 5000)}
		for i := range want.Rules {
			want.Rules[i] = fmt.Sprintf("-p tcp -m tcp --dport %d -j ACCEPT", i+1)
		}
		killed := 0
		for wait := time.Duration(1); wait < 100; wait *= 2 {
			ctx, cancel := context.WithTimeout(context.Background(), 4*time.Millisecond+wait*time.Millisecond)
			err := resourcetest.Apply(ctx, r, name, nil, want)
			cancel()
			if err != nil {
				killed++
			}
			got, err := resourcetest.Observe(context.Background(), r, name)
			if err != nil || got != nil && (len(got.Rules) != len(want.Rules) || *got.Hook != "FORWARD") {
				r.Fatalf("half of it is there: %v, %v", got, err)
			}
			if err := resourcetest.Remove(context.Background(), r, name); err != nil {
				r.Fatal(err)
			}
		}
		if killed == 0 {
			r.Error("none was killed, so the test shows nothing")
		}
	})
}
