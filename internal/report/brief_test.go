package report

import (
	"fmt"
	"strings"
	"testing"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// change is a change of one thing of a block.
func change(kind, name string, a engine.Action, r engine.Reason, diffs ...resource.Diff) engine.Change {
	block := resource.ID{Kind: "block", Name: "b"}
	return engine.Change{ID: resource.ID{Kind: kind, Name: name}, Action: a, Reason: r, Diffs: diffs, Owners: []resource.Owner{{Block: block, File: "a.hcl", Line: 1}}}
}

func created(kind, name string, diffs ...resource.Diff) engine.Change {
	return change(kind, name, engine.Create, engine.New, diffs...)
}

var (
	mode  = resource.Diff{Attribute: "mode", After: "0600", Meta: true}
	alg   = resource.Diff{Attribute: "algorithm", After: "ed25519"}
	boot  = resource.Diff{Attribute: "boot", Before: "", After: "1", Computed: true, Words: "at boot"}
	wrong = resource.Diff{Attribute: "current", Before: "false", After: "true", Computed: true}
	stray = resource.Diff{Attribute: "intruders", Before: `["tpham"]`, After: "[]", Was: []string{"tpham"}, Now: []string{}, Computed: true, Glance: true, Words: "connected and no longer admitted"}
)

func rules(n int) resource.Diff {
	d := resource.Diff{Attribute: "rules", Glance: true, After: "[…]"}
	for i := range n {
		d.Now = append(d.Now, fmt.Sprintf("-s 10.0.0.%d -j ACCEPT", i))
	}
	return d
}

// The short form, case by case: what is below the heading of the block.
func TestShortForm(t *testing.T) {
	many := make([]engine.Change, 0, 1000)
	for i := range 1000 {
		many = append(many, created("private_key", fmt.Sprintf("/pki/keys/client-%d.key", i), alg, mode))
	}
	files := make([]engine.Change, 0, 7)
	for i := range 7 {
		files = append(files, created("file", fmt.Sprintf("/etc/f%d", i), resource.Diff{Attribute: "content", Text: true, Glance: true, After: "a\nb\n"}))
	}
	for name, c := range map[string]struct {
		changes []engine.Change
		want    string
	}{
		"directories beside what they hold": {
			[]engine.Change{created("directory", "/d", mode), created("directory", "/d/e", mode), created("private_key", "/d/e/k", alg, mode)},
			`+ private_key["/d/e/k"]|Not shown: 2 directories. --verbose shows each thing, with every attribute.`,
		},
		"a directory alone": {[]engine.Change{created("directory", "/d", mode)}, `+ directory["/d"]`},
		"rights that moved are no scaffold": {
			[]engine.Change{change("directory", "/d", engine.Update, engine.Drift, resource.Diff{Attribute: "mode", Before: "0777", After: "0700", Meta: true}), created("x", "y", alg)},
			`~ directory["/d"]  mode: 0777 → 0700  (drifted)|+ x.y`,
		},
		"many of a kind":   {many, `+ 1000 private keys below /pki/keys: client-0.key, client-1.key, 998 more|--verbose shows each thing, with every attribute.`},
		"many with detail": {files, `+ file["/etc/f0"]  2 lines|+ file["/etc/f1"]  2 lines|+ file["/etc/f2"]  2 lines|+ file["/etc/f3"]  2 lines|+ file["/etc/f4"]  2 lines|+ 2 files below /etc: f5, f6|--verbose shows each thing, with every attribute.`},
		"in several places": {
			[]engine.Change{created("k", "/etc/a/b/1"), created("k", "/etc/a/b/2"), created("k", "/var/lib/x/3"), created("k", "/etc/b")},
			`+ 4 ks below /etc/a/b, /var/lib/x/3, /etc/b|--verbose shows each thing, with every attribute.`,
		},
		"one rule":      {[]engine.Change{created("chain", "ip/nat/V", rules(1))}, `+ chain["ip/nat/V"]  -s 10.0.0.0 -j ACCEPT`},
		"several rules": {[]engine.Change{created("chain", "ip/nat/V", rules(2))}, `+ chain["ip/nat/V"]  2 rules`},
		"what vpnd computes is no news beside what was asked for": {
			[]engine.Change{change("sysctl", "a.b", engine.Update, engine.TakesOver, resource.Diff{Attribute: "value", Before: "0", After: "1", Glance: true}, boot)},
			`~ sysctl["a.b"]  value: 0 → 1  (taken over until the block goes)`,
		},
		"but it is all there is":          {[]engine.Change{change("sysctl", "a.b", engine.Update, engine.Drift, boot)}, `~ sysctl["a.b"]  at boot: (none) → 1  (drifted)`},
		"that something is wrong is said": {[]engine.Change{change("crl", "/c", engine.Update, engine.Drift, wrong)}, `~ crl["/c"]  (drifted)`},
		"a package to be installed": {
			[]engine.Change{change("package", "p", engine.Update, engine.Configuration, resource.Diff{Attribute: "installed", Before: "false", After: "true", Glance: true})},
			`~ package.p  installed`,
		},
		"that what is new is as it should be goes without saying": {
			[]engine.Change{created("ipsec_connection", "dc",
				resource.Diff{Attribute: "remote_addrs", After: `["192.0.2.1"]`, Now: []string{"192.0.2.1"}, Glance: true},
				resource.Diff{Attribute: "loaded", After: "true", Computed: true, Glance: true, Words: "loaded as the file says"})},
			`+ ipsec_connection.dc  192.0.2.1`,
		},
		"a colleague who left": {
			[]engine.Change{change("openvpn_admission", "/s", engine.Update, engine.Configuration, stray)},
			`~ openvpn_admission["/s"]|    connected and no longer admitted:|      - tpham`,
		},
		"a service taken over": {
			[]engine.Change{change("unit", "u.service", engine.Update, engine.TakesOver,
				resource.Diff{Attribute: "active", Before: "false", After: "true", Glance: true, Runs: true},
				resource.Diff{Attribute: `dropin["vpnd"].content`, After: "a\nb\n", Text: true})},
			`~ unit["u.service"]  active  (taken over until the block goes; starts it)`,
		},
		"a file taken over": {
			[]engine.Change{change("file", "/f", engine.Update, engine.TakesOver, resource.Diff{Attribute: "content", Before: "a\n", After: "b\n", Text: true, Glance: true})},
			`~ file["/f"]  (taken over until the block goes)|    content:|      @@ -1 +1 @@|      -a|      +b`,
		},
		"removed": {[]engine.Change{change("k", "/d/a", engine.Remove, engine.Dropped, alg), change("k", "/d/b", engine.Remove, engine.Dropped, alg)}, `- 2 ks below /d: a, b|--verbose shows each thing, with every attribute.`},
	} {
		t.Run(name, func(t *testing.T) {
			got := text(func(w Text) { w.Plan(&engine.Plan{Changes: c.changes}) })
			var lines []string
			for line := range strings.Lines(got) {
				if line = strings.TrimSuffix(strings.TrimPrefix(line, "  "), "\n"); line != "" && !strings.HasPrefix(line, "block.b") && !strings.HasPrefix(line, "Plan: ") {
					lines = append(lines, line)
				}
			}
			if told := strings.Join(lines, "|"); told != c.want {
				t.Errorf("got  %s\nwant %s", told, c.want)
			}
		})
	}
}

// A block whose changes stand apart in the order of apply has one heading.
func TestShortFormGathersBlocks(t *testing.T) {
	other := created("file", "/o", alg)
	other.Owners = []resource.Owner{{Block: resource.ID{Kind: "block", Name: "other"}, File: "a.hcl", Line: 9}}
	got := text(func(w Text) {
		w.Plan(&engine.Plan{Changes: []engine.Change{created("file", "/a", alg), other, created("unit", "u", alg)}})
	})
	const want = "block.b  a.hcl:1\n  + file[\"/a\"]\n  + unit.u\nblock.other  a.hcl:9\n  + file[\"/o\"]\n\nPlan: 3 to create. Cost: nobody who is connected notices.\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCountInWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(1, "directory"), "1 directory"},
		{Count(2, "directory"), "2 directories"},
		{Count(2, "key"), "2 keys"},
		{Count(2, "dh params"), "2 dh params"},
		{number(1, "rules"), "1 rule"},
		{number(1, "addresses"), "1 address"},
		{number(3, "addresses"), "3 addresses"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
