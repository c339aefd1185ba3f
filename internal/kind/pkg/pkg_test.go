package pkg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// A script is a host that answers as it was written down, and keeps what it was
// asked.
type script struct {
	answers map[string][]Result // by the beginning of the command; the last one repeats
	asked   []string
}

func (s *script) run(_ context.Context, argv ...string) (Result, error) {
	line := strings.Join(argv, " ")
	s.asked = append(s.asked, line)
	for start, answers := range s.answers {
		if strings.HasPrefix(line, start) {
			if len(answers) > 1 {
				s.answers[start] = answers[1:]
			}
			return answers[0], nil
		}
	}
	return Result{}, fmt.Errorf("no answer to %s is written down", line)
}

func host(t *testing.T, database string, answers map[string][]Result) (Verbs, *script) {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, database), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &script{answers: answers}
	return Verbs{Root: root, Run: s.run}, s
}

func say(p *Package) string { return fmt.Sprintf("%v %q", *p.Installed, *p.Version) }

func TestAbsenceIsObserved(t *testing.T) {
	for database, answers := range map[string]map[string][]Result{
		"var/lib/dpkg/status": {"dpkg-query": {{
			Status: 1, Stderr: "dpkg-query: no packages found matching nosuch",
			Stdout: "openvpn\tinstalled\t2.6.3-1+deb12u2\nstrongswan\tconfig-files\t5.9.8-5\nbroken\thalf-configured\t1.0\nlate\ttriggers-awaited\t1.1\n",
		}}},
		"var/lib/rpm": {"rpm": {{
			Status: 3,
			Stdout: "openvpn\t0:2.6.3-1+deb12u2\npackage strongswan is not installed\npackage broken is not installed\nlate\t0:1.0\nlate\t0:1.1\npackage nosuch is not installed\n",
		}}},
	} {
		v, s := host(t, database, answers)
		seen, err := v.Observe(context.Background(), map[string]*Package{"openvpn": nil, "strongswan": nil, "broken": nil, "late": nil, "nosuch": nil})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"openvpn": `true "2.6.3-1+deb12u2"`, "strongswan": `false ""`, "broken": `false ""`, "late": `true "1.1"`, "nosuch": `false ""`} {
			if got := say(seen[name]); got != want {
				t.Errorf("%s: %s is %s, want %s", database, name, got, want)
			}
		}
		if len(s.asked) != 1 {
			t.Errorf("asked more than once: %q", s.asked)
		}
	}
}

func TestDatabaseThatCannotBeReadIsNoAbsence(t *testing.T) {
	v, _ := host(t, "var/lib/dpkg/status", map[string][]Result{"dpkg-query": {{Status: 2, Stderr: "dpkg-query: error: failed to open\n"}}})
	got, err := resourcetest.Observe(context.Background(), v, "openvpn")
	if got != nil || err == nil || err.Error() != "asking which packages are installed: dpkg-query ended with status 2: dpkg-query: error: failed to open" {
		t.Errorf("%v, %v", got, err)
	}
	v, _ = host(t, "var/lib/rpm", map[string][]Result{"rpm": {{Status: 1, Stderr: "error: cannot open Packages database\n"}}})
	got, err = resourcetest.Observe(context.Background(), v, "openvpn")
	if got != nil || err == nil || err.Error() != "asking which packages are installed: rpm ended with status 1: error: cannot open Packages database" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestHostWithoutPackageManager(t *testing.T) {
	v, _ := host(t, "etc", nil)
	_, err := resourcetest.Observe(context.Background(), v, "openvpn")
	if err == nil || err.Error() != "this host has neither the database of dpkg nor of rpm, and no other package manager is supported; install the package by hand and take its block out" {
		t.Error(err)
	}
}

func TestImageIsObservedOnly(t *testing.T) {
	v, s := host(t, "var/lib/dpkg/status", map[string][]Result{"dpkg-query": {{Status: 1}}})
	if _, err := resourcetest.Observe(context.Background(), v, "openvpn"); err != nil {
		t.Fatal(err)
	}
	if want := "dpkg-query --admindir=" + v.Root + "/var/lib/dpkg -W "; !strings.HasPrefix(s.asked[0], want) {
		t.Errorf("asked %s", s.asked[0])
	}
	err := resourcetest.Apply(context.Background(), v, "openvpn", nil, Package{})
	if err == nil || err.Error() != "packages below another root are not managed; let what builds the image install them" {
		t.Error(err)
	}
}

func items(wants map[string]string) []resource.Item[Package] {
	var list []resource.Item[Package]
	for _, name := range []string{"openvpn", "strongswan"} {
		if version, ok := wants[name]; ok {
			item := resource.Item[Package]{Name: name, Want: Package{Installed: resource.Ptr(true)}}
			if version != "" {
				item.Want.Version = &version
			}
			list = append(list, item)
		}
	}
	return list
}

const policy = `openvpn:
  Installed: (none)
  Candidate: 2.6.3-1+deb12u2
  Version table:
     2.6.3-1+deb12u2 500
        500 http://mirror.example/debian bookworm/main amd64 Packages
 *** 2.6.3-1 100
        100 /var/lib/dpkg/status
`

const (
	get    = "apt-get -q -y --no-remove --no-install-recommends -o DPkg::Lock::Timeout=120 -o DPkg::Options::=--force-confdef -o DPkg::Options::=--force-confold "
	update = "apt-get -q -o DPkg::Lock::Timeout=120 update"
)

func TestAptCommands(t *testing.T) {
	ok := []Result{{}}
	failed := Result{Status: 100, Stderr: "E: Failed to fetch\nE: 404"}
	for name, c := range map[string]struct {
		wants   map[string]string
		answers map[string][]Result
		asked   []string
		err     string
	}{
		"all in one transaction": {
			wants:   map[string]string{"openvpn": "", "strongswan": "2.6.3-1"},
			answers: map[string][]Result{"apt-cache policy openvpn": {{Stdout: policy}}, "apt-cache policy strongswan": {{Stdout: strings.Replace(policy, "openvpn", "strongswan", 1)}}, get: ok},
			asked:   []string{"apt-cache policy openvpn", "apt-cache policy strongswan", get + "--allow-downgrades install openvpn strongswan=2.6.3-1"},
		},
		"no lists yet": {
			wants:   map[string]string{"openvpn": ""},
			answers: map[string][]Result{"apt-cache policy": {{}, {Stdout: policy}}, update: ok, get: ok},
			asked:   []string{"apt-cache policy openvpn", update, "apt-cache policy openvpn", get + "install openvpn"},
		},
		"old lists": {
			wants:   map[string]string{"openvpn": ""},
			answers: map[string][]Result{"apt-cache policy": {{Stdout: policy}}, update: ok, get: {failed, {}}},
			asked:   []string{"apt-cache policy openvpn", get + "install openvpn", update, get + "install openvpn"},
		},
		"a failure that stays": {
			wants:   map[string]string{"openvpn": ""},
			answers: map[string][]Result{"apt-cache policy": {{Stdout: policy}}, update: ok, get: {failed}},
			asked:   []string{"apt-cache policy openvpn", get + "install openvpn", update, get + "install openvpn"},
			err:     "installing: apt-get ended with status 100: E: Failed to fetch / E: 404",
		},
		"one that nobody has does not stop the others": {
			wants:   map[string]string{"openvpn": "", "strongswan": ""},
			answers: map[string][]Result{"apt-cache policy openvpn": {{Stdout: policy}}, "apt-cache policy strongswan": {{}}, update: ok, get: ok},
			asked:   []string{"apt-cache policy openvpn", "apt-cache policy strongswan", update, "apt-cache policy openvpn", "apt-cache policy strongswan", get + "install openvpn"},
			err:     "no source of packages has it; see its spelling and the sources in /etc/apt",
		},
		"a version that nobody has": {
			wants:   map[string]string{"openvpn": "9.9"},
			answers: map[string][]Result{"apt-cache policy": {{Stdout: policy}}, update: ok},
			asked:   []string{"apt-cache policy openvpn", update, "apt-cache policy openvpn"},
			err:     "version 9.9 is not to be had, only 2.6.3-1+deb12u2, 2.6.3-1; change version or leave it out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: c.answers}
			err := Verbs{Root: "/", Run: s.run}.Apply(context.Background(), items(c.wants))
			if text := fmt.Sprint(err); text != c.err && (c.err != "" || err != nil) {
				t.Errorf("error %q, want %q", text, c.err)
			}
			if got, want := strings.Join(s.asked, "\n"), strings.Join(c.asked, "\n"); got != want {
				t.Errorf("ran\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestDnfCommands(t *testing.T) {
	s := &script{answers: map[string][]Result{"dnf": {{}, {Status: 1, Stderr: "Error: Unable to find a match: strongswan"}}, "rpm -e": {{}, {Status: 1, Stderr: "error: openvpn is needed by (installed) office"}}}}
	d := dnf{Verbs{Root: "/", Run: s.run}}
	ctx := context.Background()
	if err := d.install(ctx, []wanted{{"openvpn", "2.6.3-1.el9"}, {"strongswan", ""}}); err != nil {
		t.Error(err)
	}
	if err := d.install(ctx, []wanted{{"strongswan", ""}}); err == nil || err.Error() != "installing: dnf ended with status 1: Error: Unable to find a match: strongswan" {
		t.Error(err)
	}
	if err := d.remove(ctx, "openvpn"); err != nil {
		t.Error(err)
	}
	if err := d.remove(ctx, "openvpn"); err == nil || !strings.HasSuffix(err.Error(), "is needed by (installed) office; remove first what needs it, or keep the package") {
		t.Error(err)
	}
	const want = "dnf -q -y --setopt=install_weak_deps=False install openvpn-2.6.3-1.el9 strongswan"
	if s.asked[0] != want {
		t.Errorf("ran %s, want %s", s.asked[0], want)
	}
}

// The answers are those of dnf 4.14 about a source with two versions of a package.
func TestDnfIsAskedBeforehand(t *testing.T) {
	const known = "openvpn 1:2.6.12-1.el9\n\nopenvpn 2.6.10-1.el9\n\nopenvpn-devel 2.7-1\n\n"
	for name, c := range map[string]struct {
		cache  bool
		wanted wanted
		answer Result
		says   string
	}{
		"known":              {true, wanted{"openvpn", ""}, Result{Stdout: known}, ""},
		"a version":          {true, wanted{"openvpn", "2.6.10-1.el9"}, Result{Stdout: known}, ""},
		"with its epoch":     {true, wanted{"openvpn", "1:2.6.12-1.el9"}, Result{Stdout: known}, ""},
		"another version":    {true, wanted{"openvpn", "2.7-1"}, Result{Stdout: known}, "version 2.7-1 is not to be had, only 1:2.6.12-1.el9, 2.6.10-1.el9"},
		"none":               {true, wanted{"opnvpn", ""}, Result{}, "no source of packages has it; see its spelling and the sources in /etc/yum.repos.d; where dnf has read them before that, run: dnf makecache"},
		"another by name":    {true, wanted{"openvpn-2.6", ""}, Result{Stdout: known}, "no source of packages has it"},
		"nothing read yet":   {false, wanted{"opnvpn", ""}, Result{}, "whether there is such a package is not known"},
		"one that is ailing": {true, wanted{"openvpn", ""}, Result{Status: 1, Stderr: "Error: Failed to load"}, "asking for its versions: dnf ended with status 1: Error: Failed to load"},
	} {
		v, s := host(t, "var/lib/rpm", map[string][]Result{"dnf -q -C --setopt=logdir=": {c.answer}})
		if c.cache {
			cache := filepath.Join(v.Root, "var/cache/dnf/x-d0d8017e31cd3c7e/repodata")
			if err := errors.Join(os.MkdirAll(cache, 0o755), os.WriteFile(filepath.Join(cache, "repomd.xml"), nil, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		err := dnf{v}.unknown(t.Context(), c.wanted)
		if text := fmt.Sprint(err); c.says == "" && err != nil || !strings.HasPrefix(text, c.says) && c.says != "" {
			t.Errorf("%s: %q, want %q", name, text, c.says)
		}
		if c.cache != (len(s.asked) == 1) {
			t.Errorf("%s: asked %q", name, s.asked)
		}
	}
}

// What a package brings is known of those that vpnd installs itself.
func TestWhatPackagesBring(t *testing.T) {
	yes := &Package{Installed: resource.Ptr(true)}
	debian, _ := host(t, "var/lib/dpkg/status", nil)
	fedora, _ := host(t, "var/lib/rpm", nil)
	user := resource.ID{Kind: resource.User, Name: "openvpn"}
	for name, c := range map[string]struct {
		v         Verbs
		pkg       string
		got, want *Package
		user, may bool
	}{
		"Debian's":   {debian, "openvpn", nil, yes, false, false},
		"Fedora's":   {fedora, "openvpn", nil, yes, true, false},
		"there":      {fedora, "openvpn", yes, yes, false, false},
		"another":    {debian, "haproxy", &Package{Installed: resource.Ptr(false)}, yes, false, true},
		"not wished": {debian, "haproxy", yes, &Package{Installed: resource.Ptr(false)}, false, false},
	} {
		things, may := c.v.Brings(c.pkg, c.got, c.want)
		if slices.Contains(things, user) != c.user || (may != nil) != c.may {
			t.Errorf("%s: %v, %v", name, things, may)
		}
	}
}

func TestNamesThatWouldBeOptionsOrPatternsNeverReachAProgram(t *testing.T) {
	s := &script{}
	v := Verbs{Root: "/", Run: s.run}
	for _, name := range []string{"", "-y", "--force", "openvpn-", "a b", "a*", "a=1", "a/stable", "a\nb", "?all", "~n", "a:amd64", "^a", "a\x00"} {
		if _, err := resourcetest.Observe(context.Background(), v, name); err == nil || !strings.Contains(err.Error(), "is no name of a package") {
			t.Errorf("observing %q: %v", name, err)
		}
		for _, installed := range []bool{true, false} {
			if err := resourcetest.Apply(context.Background(), v, name, nil, Package{Installed: &installed}); err == nil {
				t.Errorf("applied %q", name)
			}
		}
		if found := (&Package{}).Validate(name); len(found) != 1 || found[0].Path != "" {
			t.Errorf("%q: %v", name, found)
		}
	}
	for _, version := range []string{"", "-1", "1 2", "1*", "1-", "1/2", "1\n", "1=2"} {
		if err := resourcetest.Apply(context.Background(), v, "openvpn", nil, Package{Version: &version}); err == nil {
			t.Errorf("applied version %q", version)
		}
		if found := (&Package{Version: &version}).Validate("openvpn"); len(found) != 1 || found[0].Path != "version" {
			t.Errorf("version %q: %v", version, found)
		}
	}
	if s.asked != nil {
		t.Errorf("ran %q", s.asked)
	}
	for _, name := range []string{"openvpn", "g++", "libssl1.1", "python3.11", "NetworkManager", "lib_x"} {
		if found := (&Package{Version: resource.Ptr("1:2.6.3-1+deb12u2~bpo~1")}).Validate(name); len(found) > 0 {
			t.Errorf("%q: %v", name, found)
		}
	}
	found := (&Package{Installed: resource.Ptr(false), Version: resource.Ptr("1")}).Validate("openvpn")
	if len(found) != 1 || found[0].Summary != "a package that shall not be installed has no version" {
		t.Error(found)
	}
}

func TestCostOfPackage(t *testing.T) {
	there := &Package{Installed: resource.Ptr(true), Version: resource.Ptr("1")}
	gone := &Package{Installed: resource.Ptr(false), Version: resource.Ptr("")}
	for name, c := range map[string]struct {
		got, want *Package
		cost      resource.Effect
	}{
		"new":             {gone, there, resource.None},
		"same":            {there, there, resource.None},
		"any version":     {there, &Package{Installed: resource.Ptr(true)}, resource.None},
		"another version": {there, &Package{Version: resource.Ptr("2")}, resource.Restart},
		"removed":         {there, gone, resource.Restart},
		"block gone":      {there, nil, resource.None},
	} {
		if cost := (Verbs{}).Cost("openvpn", c.got, c.want); cost != c.cost {
			t.Errorf("%s costs %s, want %s", name, cost, c.cost)
		}
	}
	if k := resource.Define("package", "", Traits, Verbs{Root: "/"}); !k.Keeps {
		t.Error("a package goes with its block")
	}
}
