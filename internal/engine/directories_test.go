package engine

import (
	"strings"
	"testing"

	"vpnd/internal/resource"
)

func newDirectories(t *testing.T) *rig {
	r := newPaths(t)
	r.more = append(r.more,
		resource.Define("directory", "", resource.Traits{Path: true, Directory: true}, r.host),
		resource.Define("archive", "", resource.Traits{Path: true}, r.host), // which left to itself leaves after it
	)
	return r
}

// A directory does not leave from under a file that stays or is made, whoever asks for
// that; it leaves with the last of them, and the plan in between is empty.
func TestADirectoryStaysWithWhatIsInIt(t *testing.T) {
	dir, beside := resource.ID{Kind: "directory", Name: "/a"}, at("file", "/ab", "1")
	for what, c := range map[string]struct{ before, now resource.Resource }{
		"a file that stays":         {at("file", "/a/b/c", "1", dir), at("file", "/a/b/c", "1")},
		"a file that changes":       {at("file", "/a/b/c", "1", dir), at("file", "/a/b/c", "2")},
		"a file of another kind":    {at("file", "/a/b/c", "1", dir), at("secret", "/a/b/c", "1")},
		"a file that is made":       {beside, at("file", "/a/b/c", "1")},
		"a directory that is there": {at("directory", "/a/b", "1", dir), at("directory", "/a/b", "1")},
	} {
		t.Run(what, func(t *testing.T) {
			r := newDirectories(t)
			r.converge(at("directory", "/a", "1"), c.before, beside)
			p := r.plan(c.now, beside)
			if told := told(p); strings.Contains(told, "remove /a (") {
				t.Errorf("the plan: %s", told)
			}
			if len(p.Notes) != 1 || p.Notes[0].ID != dir || !strings.Contains(p.Notes[0].Text, "it stays as long as "+c.now.ID.String()+" (vpn.hcl:1) is in it; write a block directory \"/a\"") {
				t.Errorf("the notes: %v", p.Notes)
			}
			r.converge(c.now, beside)
			expect(t, "the next plan", told(r.plan(c.now, beside)), "")
			r.took()
			r.converge(beside)
			if took := r.took(); !strings.HasSuffix(took, "remove /a") {
				t.Errorf("at the end: %s", took)
			}
			if _, there := r.things["/a"]; there {
				t.Error("the directory stays for ever")
			}
		})
	}
}

// What is beside a directory, or leaves as well, keeps it from nothing.
func TestADirectoryLeavesWithWhatIsInIt(t *testing.T) {
	r := newDirectories(t)
	dir := resource.ID{Kind: "directory", Name: "/a"}
	beside := at("file", "/ab", "1")
	r.converge(at("directory", "/a", "1"), at("file", "/a/b", "1", dir), beside)
	r.took()
	expect(t, "the plan", told(r.plan(beside)), "remove /a/b (dropped); remove /a (dropped)")
	e, all := r.engine(), []resource.Resource{beside}
	p, err := e.Plan(t.Context(), resource.Desired{Present: all, Absent: e.Leftovers(all)}, dir)
	if err != nil || told(p) != "" || len(p.Notes) != 1 {
		t.Errorf("of the directory alone: %s, %v, %v", told(p), p.Notes, err)
	}
}

// A file that was made before its directory was asked for leaves before it, unless the
// directory was asked for because of it.
func TestADirectoryLeavesLast(t *testing.T) {
	r := newDirectories(t)
	r.converge(at("archive", "/a/b/c", "1"))
	r.converge(at("archive", "/a/b/c", "1"), at("directory", "/a", "1"))
	expect(t, "the plan", told(r.plan()), "remove /a/b/c (dropped); remove /a (dropped)")
	r.converge()
	r.converge(at("archive", "/a/b/c", "1"), at("directory", "/a", "1", resource.ID{Kind: "archive", Name: "/a/b/c"}))
	expect(t, "the plan the other way round", told(r.plan()), "remove /a (dropped); remove /a/b/c (dropped)")
}
