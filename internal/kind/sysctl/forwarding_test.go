package sysctl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

const (
	forward     = "net.ipv4.ip_forward"
	forwardBoot = "etc/sysctl.d/zz-vpnd-0-net.ipv4.ip_forward.conf"
	forwardRun  = "run/sysctl.d/zz-vpnd-1-net.ipv4.ip_forward.conf"
)

var rules = resource.ID{Kind: "chain", Name: "ip/filter/VPND-A"}

// kinds are what others are.
func kinds(kind string) resource.Traits {
	if kind != "chain" {
		return resource.Traits{}
	}
	return resource.Traits{Filters: func(name string) bool { return strings.Contains(name, "/filter/") }}
}

// guarded wishes for a value behind filter rules.
func guarded(name, value string) Sysctl {
	s := wish(value)
	s.ComesAfter(name, []resource.ID{{Kind: "package", Name: "iptables"}, rules}, kinds)
	return s
}

// converge makes a wish true, and says what the host is then.
func converge(t *testing.T, v Verbs, name string, want Sysctl) *Sysctl {
	t.Helper()
	normal, err := v.Normalize(t.Context(), map[string]*Sysctl{name: &want})
	if err != nil {
		t.Fatal(err)
	}
	got, err := resourcetest.Observe(t.Context(), v, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := resourcetest.Apply(t.Context(), v, name, got, *normal[name]); err != nil {
		t.Fatal(err)
	}
	now := look(t, v, name)
	if diffs := resource.Compare(now, normal[name]); len(diffs) > 0 {
		t.Errorf("still differs: %+v", diffs)
	}
	return now
}

// is compares what the host holds, what it does at boot and until then.
func is(t *testing.T, got *Sysctl, value, boot, runtime string) {
	t.Helper()
	if *got.Value != value || *got.Boot != boot || *got.Runtime != runtime {
		t.Errorf("value %q, boot %q, runtime %q, not %q, %q, %q", *got.Value, *got.Boot, *got.Runtime, value, boot, runtime)
	}
}

// running is a host that has a /run and does not forward, before and after.
func running(t *testing.T) Verbs {
	t.Helper()
	v := host(t)
	off := func() {
		if err := v.set(forward, "0"); err != nil {
			t.Error(err)
		}
	}
	off()
	t.Cleanup(off)
	if err := os.Mkdir(filepath.Join(v.Root, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatIsOffAtBoot(t *testing.T) {
	other := resource.ID{Kind: "chain", Name: "ip/nat/VPND-A"}
	for _, c := range []struct {
		name, value string
		before      []resource.ID
		off         bool
	}{
		{forward, "1", []resource.ID{other, rules}, true},
		{"net.ipv6.conf.all.forwarding", " 1", []resource.ID{{Kind: "chain", Name: "ip6/filter/VPND-A"}}, true},
		{"net.ipv4.conf.all.forwarding", "1", []resource.ID{rules}, true},
		{forward, "1", []resource.ID{other}, false},
		{forward, "1", nil, false},
		{forward, "0", []resource.ID{rules}, false},
		{"net.ipv4.ip_default_ttl", "1", []resource.ID{rules}, false},
	} {
		s := wish(c.value)
		s.ComesAfter(c.name, c.before, kinds)
		if off := s.Boot != nil && *s.Boot == "0"; off != c.off || off != (s.Runtime != nil) {
			t.Errorf("%s = %s behind %v: off at boot is %v", c.name, c.value, c.before, off)
		}
	}
	(&Sysctl{}).ComesAfter(forward, []resource.ID{rules}, kinds) // the value is missing, which was told
}

// Forwarding behind filter rules is on, off at the next boot, and stays on
// where somebody reads the files until then.
func TestForwardingIsOffAtBoot(t *testing.T) {
	v := running(t)
	prior := look(t, v, forward)
	is(t, prior, "0", "", "")
	is(t, converge(t, v, forward, guarded(forward, "1")), "1", "0", "1")
	for file, want := range map[string]string{
		forwardBoot: "# Made by vpnd for sysctl[\"net.ipv4.ip_forward\"]; edits are undone. Change /etc/vpnd instead.\n" +
			"# Behind filter rules it is off here, and vpnd switches it on once they stand.\nnet.ipv4.ip_forward = 0\n",
		forwardRun: "# Made by vpnd for sysctl[\"net.ipv4.ip_forward\"]; edits are undone. Change /etc/vpnd instead.\n" +
			"# It is for sysctl --system; at boot vpnd sets it once its filter rules stand.\nnet.ipv4.ip_forward = 1\n",
	} {
		if data, err := os.ReadFile(filepath.Join(v.Root, file)); err != nil || string(data) != want {
			t.Errorf("%s: %q %v", file, data, err)
		}
	}
	if filepath.Base(forwardRun) < filepath.Base(forwardBoot) {
		t.Error("the one for the running host is read first")
	}
	// At boot /run is empty.
	if err := os.RemoveAll(filepath.Join(v.Root, "run/sysctl.d")); err != nil {
		t.Fatal(err)
	}
	is(t, look(t, v, forward), "1", "0", "")
	is(t, converge(t, v, forward, guarded(forward, "1")), "1", "0", "1")

	// The rules go and the switch stays: so do the files follow.
	is(t, converge(t, v, forward, wish("1")), "1", "1", "")
	empty(t, v.Root, "run")
	is(t, converge(t, v, forward, guarded(forward, "1")), "1", "0", "1")

	// What an earlier version observed says nothing of the second file.
	prior.Runtime = nil
	if err := resourcetest.Apply(t.Context(), v, forward, look(t, v, forward), *prior); err != nil {
		t.Fatal(err)
	}
	is(t, look(t, v, forward), "0", "", "")
	empty(t, v.Root, "run")
	empty(t, v.Root, "etc/sysctl.d")
}

func empty(t *testing.T, root, dir string) {
	t.Helper()
	if left, err := os.ReadDir(filepath.Join(root, dir)); err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v %v", dir, left, err)
	}
}

func TestWhatOthersHaveInRunStays(t *testing.T) {
	v := running(t)
	converge(t, v, forward, guarded(forward, "1"))
	put(t, v.Root, "run/sysctl.d/theirs.conf", "")
	if got := look(t, v, forward); !v.Marked(forward, got) {
		t.Error("it has no mark")
	}
	for range 2 {
		if err := resourcetest.Remove(t.Context(), v, forward); err != nil {
			t.Fatal(err)
		}
	}
	is(t, look(t, v, forward), "0", "", "") // nobody knows what it was before
	if left, err := os.ReadDir(filepath.Join(v.Root, "run/sysctl.d")); err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
}

func TestEditedRuntimeFileIsDrift(t *testing.T) {
	v := running(t)
	for _, edit := range []string{"", "net.ipv4.ip_forward = 1\n", runtimeText(forward, "1") + "a = 1\n", "gone"} {
		is(t, converge(t, v, forward, guarded(forward, "1")), "1", "0", "1")
		put(t, v.Root, forwardRun, edit)
		if edit == "gone" {
			if err := os.Remove(filepath.Join(v.Root, forwardRun)); err != nil {
				t.Fatal(err)
			}
		}
		is(t, look(t, v, forward), "1", "0", "")
	}
	is(t, converge(t, v, forward, guarded(forward, "1")), "1", "0", "1")
	put(t, v.Root, forwardRun, runtimeText(forward, "0"))
	is(t, look(t, v, forward), "1", "0", "0")
	put(t, v.Root, forwardBoot, bootText(forward, "1"))
	is(t, converge(t, v, forward, guarded(forward, "1")), "1", "0", "1")
}

// The directory that has only this file goes with it, and comes back with it.
func TestRuntimeFileIsHeard(t *testing.T) {
	v := running(t)
	ear := noticetest.Listen(t, v, forward)
	for range 3 {
		converge(t, v, forward, guarded(forward, "1"))
		ear.Settle()
		if err := os.RemoveAll(filepath.Join(v.Root, "run/sysctl.d")); err != nil {
			t.Fatal(err)
		}
		ear.Next()
		ear.Settle()
		converge(t, v, forward, guarded(forward, "1"))
		ear.Settle()
		put(t, v.Root, forwardRun, "edited")
		ear.Hear(forward)
	}
}

// An image has only its boot, and that is without rules.
func TestForwardingOfAnImage(t *testing.T) {
	v := image(t)
	is(t, converge(t, v, forward, guarded(forward, "1")), "0", "0", "")
	is(t, converge(t, v, forward, wish("1")), "1", "1", "")
}

// A switch that is thrown alone leaves alone what other blocks wish for.
func TestForwardingAloneKeepsWhatWasWished(t *testing.T) {
	v := running(t)
	lo, loose := "net.ipv4.conf.lo.forwarding", "net.ipv4.conf.default.forwarding"
	if err := apply(t, v, [2]string{lo, "0"}, [2]string{forward, "0"}); err != nil {
		t.Fatal(err)
	}
	for _, on := range []string{"1", "0", "1"} {
		if err := apply(t, v, [2]string{forward, on}); err != nil {
			t.Fatal(err)
		}
		if got := look(t, v, lo); *got.Value != "0" {
			t.Errorf("with %s, %s is %s", on, lo, *got.Value)
		}
		if now, err := v.read(loose); err != nil || now != on {
			t.Errorf("with %s, %s is %s, %v", on, loose, now, err)
		}
	}
}
