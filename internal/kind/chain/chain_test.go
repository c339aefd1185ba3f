package chain

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestMain(m *testing.M) {
	// A property is tried this often in each room, unless the command line says
	// otherwise.
	if err := flag.Set("rapid.checks", "15"); err != nil {
		panic(err)
	}
	nettest.Main(m)
}

// A room is one family and backend in a network of its own.
type room struct {
	*testing.T
	Verbs
	family string
}

// everywhere runs a test with both backends and families.
func everywhere(t *testing.T, test func(r room)) {
	t.Helper()
	nettest.Need(t)
	for _, backend := range []string{kernel.NFT, kernel.Legacy} {
		for _, family := range []string{"ip", "ip6"} {
			t.Run(backend+"/"+family, func(t *testing.T) {
				nettest.Fresh(t)
				test(room{T: t, Verbs: Verbs{Backend: backend, Cache: filepath.Join(t.TempDir(), "cache")}, family: family})
			})
		}
	}
}

// program runs iptables, iptables-save or iptables-restore of the room.
func (r room) program(verb, input string, args ...string) string {
	r.Helper()
	path := syntax.Command[r.family] + "-" + r.Backend + verb
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("%s %s: %v: %s", path, args, err, out)
	}
	return string(out)
}

func (r room) iptables(args string) { r.Helper(); r.program("", "", strings.Fields(args)...) }

// save returns the rules of the room without the comments, which hold the time.
func (r room) save() string {
	var kept strings.Builder
	for line := range strings.Lines(r.program("-save", "")) {
		if !strings.HasPrefix(line, "#") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// chain returns the rules of one chain as iptables -S prints them.
func (r room) chain(table, chain string) string {
	return r.program("", "", "-t", table, "-S", chain)
}

func (r room) name(rest string) string { return r.family + "/" + rest }

// local is a network and an address of the room's family.
func (r room) local(text string) string {
	if r.family == "ip6" {
		return strings.NewReplacer("10.8.0.0/24", "fd00:8::/64", "10.8.0.1", "fd00:8::1", "10.8.0.2", "fd00:8::2").Replace(text)
	}
	return text
}

// converge brings chains about as the engine does, and fails where the host
// still differs.
func (r room) converge(wants map[string]*Chain) {
	r.Helper()
	normal, err := r.Normalize(context.Background(), wants)
	if err != nil {
		r.Fatalf("normalising: %v", err)
	}
	if changes := r.changes(normal); len(changes) > 0 {
		if err := r.Apply(context.Background(), changes); err != nil {
			r.Fatalf("applying: %v", err)
		}
	}
	if still := r.changes(normal); len(still) > 0 {
		r.Fatalf("still differs after apply: %+v\n%s", r.differences(normal), r.save())
	}
}

func (r room) changes(normal map[string]*Chain) []resource.Item[Chain] {
	r.Helper()
	seen := r.observe(normal)
	var items []resource.Item[Chain]
	for name, want := range normal {
		if len(resource.Compare(seen[name], want)) > 0 {
			items = append(items, resource.Item[Chain]{Name: name, Got: seen[name], Want: *want})
		}
	}
	return items
}

func (r room) differences(normal map[string]*Chain) map[string][]resource.Diff {
	r.Helper()
	seen := r.observe(normal)
	found := make(map[string][]resource.Diff)
	for name, want := range normal {
		if diffs := resource.Compare(seen[name], want); len(diffs) > 0 {
			found[name] = diffs
		}
	}
	return found
}

func (r room) observe(normal map[string]*Chain) map[string]*Chain {
	r.Helper()
	seen, err := r.Observe(context.Background(), normal)
	if err != nil {
		r.Fatalf("observing: %v", err)
	}
	return seen
}

func wishFor(hook, at string, rules ...string) *Chain {
	if rules == nil {
		rules = []string{}
	}
	c := &Chain{Rules: rules}
	if hook != "" {
		c.Hook = resource.Ptr(hook)
	}
	if at != "" {
		c.At = resource.Ptr(at)
	}
	return c
}

func TestConform(t *testing.T) {
	everywhere(t, func(r room) {
		resourcetest.Conform(r.T, resource.Verbs[Chain](r.Verbs), resourcetest.Case[Chain]{
			Name:   r.name("filter/VPND-FORWARD"),
			First:  *wishFor("FORWARD", "", r.local("-s 10.8.0.1,10.8.0.2 -j ACCEPT"), "-p tcp --dport ssh -j DROP"),
			Second: *wishFor("INPUT", "bottom", "-j RETURN"),
		})
		resourcetest.Conform(r.T, resource.Verbs[Chain](r.Verbs), resourcetest.Case[Chain]{
			Name:   r.name("nat/VPND-POSTROUTING"),
			First:  *wishFor("POSTROUTING", "bottom", r.local("-s 10.8.0.0/24 -o eth0 -j MASQUERADE")),
			Second: *wishFor("", ""),
		})
		if left := r.save(); strings.Contains(left, syntax.Prefix) {
			t.Errorf("left behind:\n%s", left)
		}
	})
}

func TestUnchangedChainKeepsItsCounters(t *testing.T) {
	everywhere(t, func(r room) {
		wants := map[string]*Chain{r.name("filter/VPND-A"): wishFor("INPUT", "", "-p tcp -j ACCEPT")}
		r.converge(wants)
		// A connection that nobody answers is a packet that counts.
		loopback := map[string]string{"ip": "127.0.0.1", "ip6": "::1"}[r.family]
		_ = exec.Command("bash", "-c", "echo >/dev/tcp/"+loopback+"/1").Run()
		before := r.program("", "", "-v", "-S", "VPND-A")
		if strings.Contains(before, "0 0") || strings.Contains(before, "[0:0]") {
			r.Fatalf("nothing was counted: %s", before)
		}
		wants[r.name("filter/VPND-B")] = wishFor("INPUT", "", "-j ACCEPT")
		wants[r.name("filter/VPND-A")].At = resource.Ptr("bottom")
		r.converge(wants)
		if after := r.program("", "", "-v", "-S", "VPND-A"); after != before {
			r.Errorf("counters were %s, and are %s", before, after)
		}
	})
}

func TestChainsMadeTogetherStandByNameAndMayLeadToEachOther(t *testing.T) {
	everywhere(t, func(r room) {
		r.iptables("-A FORWARD -j DROP")
		r.converge(map[string]*Chain{
			r.name("filter/VPND-C"): wishFor("FORWARD", "top", "-j VPND-A"),
			r.name("filter/VPND-B"): wishFor("FORWARD", "", "-g VPND-E"),
			r.name("filter/VPND-A"): wishFor("", "", "-j RETURN"),
			r.name("filter/VPND-E"): wishFor("FORWARD", "bottom"),
			r.name("filter/VPND-D"): wishFor("FORWARD", "bottom"),
		})
		want := "-P FORWARD ACCEPT\n-A FORWARD -j VPND-B\n-A FORWARD -j VPND-C\n-A FORWARD -j DROP\n" +
			"-A FORWARD -m comment --comment vpnd-bottom -j VPND-D\n-A FORWARD -m comment --comment vpnd-bottom -j VPND-E\n"
		if got := r.chain("filter", "FORWARD"); got != want {
			r.Errorf("got:\n%swant:\n%s", got, want)
		}
		// Whatever the order, they can go: A is led to from C.
		for _, chain := range []string{"A", "E", "D", "C", "B"} {
			if err := resourcetest.Remove(context.Background(), r, r.name("filter/VPND-"+chain)); err != nil {
				r.Errorf("removing %s: %v", chain, err)
			}
		}
		if got := r.chain("filter", "FORWARD"); got != "-P FORWARD ACCEPT\n-A FORWARD -j DROP\n" {
			r.Errorf("left: %s", got)
		}
	})
}

func TestChainAppliedBeforeTheOneItLeadsTo(t *testing.T) {
	everywhere(t, func(r room) {
		wants := map[string]*Chain{
			r.name("filter/VPND-A"): wishFor("INPUT", "", "-j VPND-B"),
			r.name("filter/VPND-B"): wishFor("", "", "-j ACCEPT"),
		}
		normal, err := r.Normalize(context.Background(), wants)
		if err != nil {
			r.Fatal(err)
		}
		for _, name := range []string{r.name("filter/VPND-A"), r.name("filter/VPND-B")} {
			if err := resourcetest.Apply(context.Background(), r, name, nil, *normal[name]); err != nil {
				r.Fatal(err)
			}
		}
		if diffs := r.differences(normal); len(diffs) > 0 {
			r.Errorf("%+v", diffs)
		}
	})
}

// What can't go keeps nothing else from going.
func TestManyChainsGoTogetherButForThoseThatCannot(t *testing.T) {
	everywhere(t, func(r room) {
		wants := map[string]*Chain{}
		for i := range 20 {
			rules := []string{"-p tcp -j ACCEPT"}
			if i%2 == 1 {
				rules = append(rules, fmt.Sprintf("-p udp -j VPND-%d", i-1))
			}
			wants[r.name(fmt.Sprintf("filter/VPND-%d", i))] = wishFor("FORWARD", "", rules...)
		}
		wants[r.name("nat/VPND-N")] = wishFor("POSTROUTING", "", "-j RETURN")
		r.converge(wants)
		r.iptables("-N OTHERS")
		r.iptables("-A OTHERS -j VPND-7")
		stay := []string{r.name("filter/VPND-7")}
		if r.Backend == kernel.NFT {
			// A map is nothing that iptables shows.
			r.nft("add map " + r.family + " filter ports { type inet_service : verdict; elements = { 80 : jump VPND-12 } ; }")
			stay = append(stay, r.name("filter/VPND-12"))
			slices.Sort(stay)
		}
		err := r.Remove(context.Background(), slices.Sorted(maps.Keys(wants)))
		named, general := resource.Split(err)
		if got := slices.Sorted(maps.Keys(named)); general != nil || !slices.Equal(got, stay) {
			r.Errorf("stayed: %v, %v", got, err)
		}
		if left := strings.Count(r.save(), ":"+syntax.Prefix); left != len(stay) {
			r.Errorf("left behind:\n%s", r.save())
		}
	})
}
