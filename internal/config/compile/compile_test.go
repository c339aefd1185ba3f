package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/eval"
	"vpnd/internal/config/shape"
	"vpnd/internal/resource"
)

// A block of these tests stands in a.hcl, each ten lines below the one before.
type blocks []eval.Block

func id(text string) resource.ID {
	kind, name, _ := strings.Cut(text, " ")
	return resource.ID{Kind: kind, Name: name}
}

func (b *blocks) add(name string, filled any, refs ...string) *eval.Block {
	line := 1 + 10*len(*b)
	block := eval.Block{ID: id(name), Shape: filled, Range: hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: line, Byte: 100 * line}}, At: make(shape.Places)}
	for _, ref := range refs {
		block.After = append(block.After, id(ref))
	}
	*b = append(*b, block)
	return &(*b)[len(*b)-1]
}

// run compiles blocks and writes what came of it, a resource a line, and what was told.
func (b *blocks) run(in Input) (string, string) {
	var told diag.List
	in.Blocks, in.Files = *b, append(in.Files, "a.hcl")
	desired, _ := Run(in, configtest.Catalog(), &told)
	var lines, said []string
	for _, r := range desired.Present {
		line := r.ID.String()
		for _, o := range r.Owners {
			line += fmt.Sprintf(" for %s:%d", o.Block, o.Line)
		}
		if len(r.After) > 0 {
			line += fmt.Sprint(" after ", r.After)
		}
		for _, t := range r.Triggers {
			line += fmt.Sprintf(" %s on %s", t.Do, t.On)
		}
		lines = append(lines, line)
	}
	for _, d := range told.All() {
		said = append(said, fmt.Sprintf("%s: %s", diag.Where(diag.Place(d)), d.Detail))
	}
	return strings.Join(lines, "\n"), strings.Join(said, "\n")
}

func server(network string) *configtest.Server {
	return &configtest.Server{Network: resource.Ptr(netip.MustParsePrefix(network))}
}

func file(text string) *configtest.File { return &configtest.File{Content: &text} }

// A block of a kind is its own resource, one of a composite stands for several, and
// what two of them want alike is one resource of both.
func TestBlocksBecomeResources(t *testing.T) {
	var b blocks
	b.add("server a", server("10.1.0.0/24"), "tun t")
	b.add("tun t", &configtest.Tun{})
	b.add("package openvpn", &configtest.Package{Installed: resource.Ptr(true)})
	b.add("file /f", file("x")).Failed = true
	got, said := b.run(Input{})
	want := `file["/etc/openvpn/a.conf"] for server.a:1 after [package.openvpn tun.t]
package.openvpn for server.a:1 for package.openvpn:21
tun.t for tun.t:11`
	if got != want || said != "" {
		t.Errorf("got:\n%s\n%s", got, said)
	}
}

// What two blocks share waits only for what both refer to: the other may need it.
func TestSharedResourcesWaitForWhatAllReferTo(t *testing.T) {
	var b blocks
	b.add("server a", server("10.1.0.0/24"), "server b", "tun t")
	b.add("server b", server("10.2.0.0/24"), "tun t")
	b.add("tun t", &configtest.Tun{})
	got, _ := b.run(Input{})
	if !strings.Contains(got, "package.openvpn for server.a:1 for server.b:11 after [tun.t]\n") || !strings.Contains(got, "a.conf\"] for server.a:1 after [package.openvpn server.b tun.t]") {
		t.Errorf("got:\n%s", got)
	}
}

// What has a path comes after the nearest directory that it lies in.
func TestDirectoriesComeFirst(t *testing.T) {
	var b blocks
	b.add("file /srv/a/b/c", file("x"))
	b.add("directory /srv", &configtest.Directory{})
	b.add("directory /srv/a", &configtest.Directory{})
	b.add("directory /", &configtest.Directory{})
	b.add("tun srv", &configtest.Tun{})
	got, _ := b.run(Input{})
	want := `directory["/"] for directory["/"]:31
directory["/srv"] for directory["/srv"]:11 after [directory["/"]]
directory["/srv/a"] for directory["/srv/a"]:21 after [directory["/srv"]]
file["/srv/a/b/c"] for file["/srv/a/b/c"]:1 after [directory["/srv/a"]]
tun.srv for tun.srv:41`
	if got != want {
		t.Errorf("got:\n%s", got)
	}
}

// A unit follows what names it in on_change and starts after it, unless that needs the
// unit in turn; the unit itself says whether that is a restart, a reload or nothing.
func TestOnChange(t *testing.T) {
	var b blocks
	b.add("unit one", &configtest.Unit{OnChange: resource.Ptr("reload")})
	b.add("file /a", file("a")).OnChange = []eval.Reference{{Block: id("unit one")}, {Block: id("unit one")}}
	b.add("file /b", file("b"), "unit one").OnChange = []eval.Reference{{Block: id("unit one")}}
	b.add("file /c", file("c")).OnChange = []eval.Reference{{Block: id("file /a"), Range: hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: 33}}}}
	b.add("unit two", &configtest.Unit{}).Failed = true
	b.add("file /d", file("d")).OnChange = []eval.Reference{{Block: id("unit two")}}
	got, said := b.run(Input{})
	want := `file["/a"] for file["/a"]:11
file["/b"] for file["/b"]:21 after [unit.one]
file["/c"] for file["/c"]:31
file["/d"] for file["/d"]:51
unit.one for unit.one:1 after [file["/a"]] reload on file["/a"] reload on file["/b"]`
	if got != want {
		t.Errorf("got:\n%s", got)
	}
	if want := `a.hcl:33: on_change names the units that a change reloads or restarts, as in on_change = [unit["ssh.service"]]; file["/a"] is none.`; said != want {
		t.Error(said)
	}
}

// What stands in a queue stands there by its rank, then as the files have it, but
// behind what its block names in depends_on; what is last stays last. A reference that
// is none says nothing about it.
func TestQueue(t *testing.T) {
	var b blocks
	queue := func(name string, rank int, depends ...string) *configtest.Queue {
		q := &configtest.Queue{Hook: resource.Ptr("input"), Rank: &rank}
		block := b.add("queue "+name, q, "queue low")
		for _, d := range depends {
			block.DependsOn = append(block.DependsOn, id("queue "+d))
		}
		return q
	}
	first := queue("low", 5)
	queue("rest", resource.Last)
	queue("waits", -5, "depended", "rest")
	queue("between", 5)
	queue("depended", 7)
	queue("late", -5)
	queue("circle", 9, "waits", "circle")
	b.add("queue elsewhere", &configtest.Queue{})
	if _, said := b.run(Input{}); said != "" {
		t.Error(said)
	}
	if want := []string{"late", "low", "between", "depended", "waits", "circle", "rest"}; !slices.Equal(first.Names, want) {
		t.Errorf("%v instead of %v", first.Names, want)
	}
}

// Blocks stand in the order of the files that they are in, as these were given.
func TestQueueGoesByTheOrderOfFiles(t *testing.T) {
	var b blocks
	one, two := &configtest.Queue{Hook: resource.Ptr("input"), Rank: resource.Ptr(0)}, &configtest.Queue{Hook: resource.Ptr("input"), Rank: resource.Ptr(0)}
	b.add("queue one", one)
	b.add("queue two", two).Range.Filename = "z.hcl"
	b.run(Input{Files: []string{"z.hcl"}})
	if want := []string{"two", "one"}; !slices.Equal(one.Names, want) || !slices.Equal(two.Names, want) {
		t.Errorf("%v and %v", one.Names, two.Names)
	}
}

// A shape that asks is told what comes before it: resources, with blocks taken apart.
func TestComesAfter(t *testing.T) {
	var b blocks
	q := &configtest.Queue{}
	b.add("queue q", q, "server a", "package openvpn")
	b.add("server a", server("10.1.0.0/24"))
	b.run(Input{})
	if want := []string{"package.openvpn", "package.openvpn", `file["/etc/openvpn/a.conf"]`}; !slices.Equal(q.After, want) {
		t.Errorf("%v", q.After)
	}
}

// What contradicts another block is told at the later one, with the place of the other.
func TestConflicts(t *testing.T) {
	for name, c := range map[string]struct {
		one, two      string
		first, second any
		want          string
	}{
		"another wish":   {"server a", "file /etc/openvpn/a.conf", server("10.0.0.0/8"), file("mine"), `a.hcl:11: file["/etc/openvpn/a.conf"] and server.a (a.hcl:1) both want file["/etc/openvpn/a.conf"], but not the same: content is mine here and server 10.0.0.0/8 there. Take it out of one of them, or let both ask for the same.`},
		"a long one":     {"server a", "file /etc/openvpn/a.conf", server("10.0.0.0/8"), file(strings.Repeat("x", 80)), `a.hcl:11: file["/etc/openvpn/a.conf"] and server.a (a.hcl:1) both want file["/etc/openvpn/a.conf"], but not the same: content differs. Take it out of one of them, or let both ask for the same.`},
		"left out":       {"server a", "file /etc/openvpn/a.conf", server("10.0.0.0/8"), &configtest.File{}, `a.hcl:11: file["/etc/openvpn/a.conf"] and server.a (a.hcl:1) both want file["/etc/openvpn/a.conf"], but not the same: content is left out here and server 10.0.0.0/8 there. Take it out of one of them, or let both ask for the same.`},
		"another kind":   {"file /x", "directory /x", file("x"), &configtest.Directory{}, `a.hcl:11: /x is wanted as directory here, and as file by file["/x"] (a.hcl:1), but a path has room for one thing. Take it out of one of them, or give it another path.`},
		"networks":       {"server a", "server b", server("10.0.0.0/8"), server("10.1.0.0/24"), "a.hcl:11: The network 10.1.0.0/24 of server.b overlaps with 10.0.0.0/8 of server.a (a.hcl:1). Give one of them another."},
		"one network":    {"server a", "server b", server("10.0.0.0/8"), server("10.0.0.0/8"), "a.hcl:11: server.b and server.a (a.hcl:1) both want the network 10.0.0.0/8 for themselves. Give one of them another."},
		"two names":      {"switch x.alias", "switch x", &configtest.Switch{On: resource.Ptr(true)}, &configtest.Switch{On: resource.Ptr(false)}, `a.hcl:11: switch.x and switch["x.alias"] are one switch of the kernel under two names, and can't have both values (the other is at a.hcl:1). Take one of them out.`},
		"two that agree": {"switch x.alias", "switch x", &configtest.Switch{On: resource.Ptr(true)}, &configtest.Switch{On: resource.Ptr(true)}, ""},
		"two that write": {"program a", "program b", &configtest.Program{Log: resource.Ptr("/l")}, &configtest.Program{Log: resource.Ptr("/x/../l")}, "a.hcl:11: log of program.b and log of program.a (a.hcl:1) are both written to /l. Give one of them another file."},
		"over a file":    {"program a", "server b", &configtest.Program{Log: resource.Ptr("/etc/openvpn/b.conf")}, server("10.0.0.0/8"), `a.hcl:1: log of program.a would be written over file["/etc/openvpn/b.conf"] of server.b (a.hcl:11). Give it another file.`},
		"a review":       {"switch p", "package p", &configtest.Switch{On: resource.Ptr(true)}, &configtest.Package{Installed: resource.Ptr(true)}, "a.hcl:11: Take one of them out."},
		"no room":        {"broken a", "broken b", &configtest.Broken{}, &configtest.Broken{}, "a.hcl:1: broken.a: there is no room for it.\na.hcl:11: broken.b: there is no room for it."},
	} {
		var b blocks
		b.add(c.one, c.first)
		b.add(c.two, c.second)
		if _, said := b.run(Input{}); said != c.want {
			t.Errorf("%s\n got %s\nwant %s", name, said, c.want)
		}
		b[1].Failed = true
		if _, said := b.run(Input{}); said != "" && name != "no room" && name != "over a file" {
			t.Errorf("%s, with a block that failed for another reason: %s", name, said)
		}
	}
}

// A secret that differs is told to differ, and no more.
func TestConflictsKeepSecrets(t *testing.T) {
	one, two := &configtest.SecretFile{Content: resource.NewSecret("hunter2")}, &configtest.SecretFile{Content: resource.NewSecret("hunter3")}
	if got := differences(one, two); got != "content differs" {
		t.Error(got)
	}
}

// What the host says of a path is told at the block that wants it.
func TestWhatTheHostSays(t *testing.T) {
	var b blocks
	b.add("file /etc/mine", file("x"))
	b.add("directory /etc/./mine/", &configtest.Directory{})
	b.add("program p", &configtest.Program{Log: resource.Ptr("/etc/mine")})
	b.add("program q", &configtest.Program{Log: resource.Ptr("/tmp/q")})
	b.add("tun mine", &configtest.Tun{})
	rest := b[1:]
	_, said := rest.run(Input{
		Own: func(path string) string { return map[string]string{"/etc/mine": "the state of vpnd"}[path] },
		Place: func(path string) error {
			if strings.HasPrefix(path, "/tmp/") {
				return fmt.Errorf("others can write to /tmp")
			}
			return nil
		},
	})
	want := `a.hcl:11: directory["/etc/./mine/"] would be in the place of the state of vpnd. Give it another path.
a.hcl:21: log would be written in the place of the state of vpnd. Give it another file.
a.hcl:31: Others can write to /tmp.`
	if said != want {
		t.Errorf("got:\n%s", said)
	}
}

// Of each block it is told what it owns, alone or with others.
func TestOwned(t *testing.T) {
	var b blocks
	b.add("server a", server("10.1.0.0/24"))
	b.add("package openvpn", &configtest.Package{Installed: resource.Ptr(true)})
	b.add("file /f", file("x")).Failed = true
	var told diag.List
	_, owned := Run(Input{Blocks: b, Files: []string{"a.hcl"}}, configtest.Catalog(), &told)
	if got := fmt.Sprint(owned); got != `[[package.openvpn file["/etc/openvpn/a.conf"]] [package.openvpn] []]` {
		t.Error(got)
	}
}
