package unit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// In an image nothing runs, and a unit that isn't there can't be removed: so the
// contract is led through by hand.
func TestUnitsOfAnImage(t *testing.T) {
	root := t.TempDir()
	put(t, root, "/usr/lib/systemd/system/demo@.service", "[Service]\nExecStart=sleep 1\n[Install]\nWantedBy=multi-user.target\n")
	put(t, root, "/usr/lib/systemd/system/static.service", "[Service]\nExecStart=sleep 1\n")
	put(t, root, etc+"/multi-user.target.wants/.keep", "")
	v := Verbs{Root: root}
	ctx := context.Background()
	see := func(name string) *Unit {
		t.Helper()
		got, err := resourcetest.Observe(ctx, v, name)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	converge := func(name string, want Unit) {
		t.Helper()
		normal, err := v.Normalize(ctx, map[string]*Unit{name: &want})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := resourcetest.Apply(ctx, v, name, see(name), *normal[name]); err != nil {
				t.Fatal(err)
			}
			if diffs := resource.Compare(see(name), normal[name]); len(diffs) > 0 {
				t.Fatalf("still differs: %+v", diffs)
			}
		}
	}
	const name = "demo@office.service"
	first := see(name)
	if got := say(first); got != "enabled=false active=false dropins=[]" {
		t.Error(got)
	}
	yes := true
	converge(name, Unit{Enabled: &yes, Active: &yes, Dropins: []Dropin{dropin("nice", "[Service]\nNice=5\n")}})
	if got := say(see(name)); got != "enabled=true active=false dropins=[nice]" {
		t.Error(got)
	}
	if _, err := os.Lstat(filepath.Join(root, etc, "multi-user.target.wants", name)); err != nil {
		t.Error(err)
	}
	if err := os.Symlink("/dev/null", filepath.Join(root, etc, "demo@.service")); err != nil {
		t.Fatal(err)
	}
	converge(name, *first)
	if err := v.Refresh(ctx, name, Unit{Active: &yes}, resource.Restart); err != nil {
		t.Error(err)
	}
	if err := resourcetest.Apply(ctx, v, "static.service", see("static.service"), Unit{Enabled: &yes}); err == nil || !strings.HasPrefix(err.Error(), "the unit can't be enabled: ") {
		t.Error(err)
	}
	if err := resourcetest.Apply(ctx, v, "nowhere.service", see("nowhere.service"), Unit{Enabled: &yes}); err == nil || !strings.HasPrefix(err.Error(), "there is no unit nowhere.service ") {
		t.Error(err)
	}
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(root+name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A deaf manager is a systemd whose jobs never succeed.
type deaf struct{ Manager }

func (deaf) Close()                       {}
func (deaf) Reload(context.Context) error { return nil }
func (deaf) Run(context.Context, Job, string) (string, error) {
	return "timeout", nil
}

func (deaf) Properties(context.Context, string) (map[string]any, error) {
	return map[string]any{"Id": "x.service", "LoadState": "loaded", "ActiveState": "deactivating", "SubState": "stop-sigterm", "Result": "timeout"}, nil
}

func TestJobThatDoesNotEndWellIsAnError(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) { jobsThatDoNotEndWell(t, root) }) // a unit that ends is waited for
}

func jobsThatDoNotEndWell(t *testing.T, root string) {
	v := Verbs{Root: root, Connect: func(context.Context) (Manager, error) { return deaf{}, nil }}
	for want, active := range map[string]bool{
		`stopping it: the job ended with "timeout"; see: journalctl -u x.service`:                                                              false,
		`starting it: the job ended with "timeout", and the unit is deactivating (stop-sigterm), result timeout; see: journalctl -u x.service`: true,
	} {
		err := resourcetest.Apply(context.Background(), v, "x.service", nil, Unit{Active: &active})
		if err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestStates(t *testing.T) {
	for sub, want := range map[string]bool{
		"active running": true, "reloading reload": true, "activating start": true,
		"activating auto-restart": false, "deactivating stop": false, "inactive dead": false, "failed failed": false,
	} {
		var s state
		if _, err := fmt.Sscan(sub, &s.active, &s.sub); err != nil {
			t.Fatal(err)
		}
		if s.running() != want {
			t.Errorf("%s runs: %v", sub, s.running())
		}
	}
	for file, want := range map[string]bool{
		"enabled": true, "enabled-runtime": false, "static": false, "indirect": false, "masked": false, "disabled": false, "linked": false, "": false,
	} {
		if got := (state{file: file}).enabled(); got != want {
			t.Errorf("%s is enabled: %v", file, got)
		}
	}
}

func TestCostOfUnit(t *testing.T) {
	yes, no := resource.Ptr(true), resource.Ptr(false)
	nice, plain := []Dropin{dropin("nice", mark+"\nNice=5\n")}, []Dropin{}
	unit := func(active *bool, dropins []Dropin, own *bool) *Unit {
		return &Unit{Enabled: yes, Active: active, Dropins: dropins, Reloads: no, Own: own}
	}
	for name, c := range map[string]struct {
		got, want *Unit
		cost      resource.Effect
	}{
		"start":                      {unit(no, plain, no), &Unit{Active: yes}, resource.None},
		"stop":                       {unit(yes, plain, no), &Unit{Active: no}, resource.Restart},
		"enable":                     {unit(yes, plain, no), &Unit{Enabled: no}, resource.None},
		"same drop-in":               {unit(yes, nice, no), &Unit{Dropins: nice}, resource.None},
		"another drop-in":            {unit(yes, nice, no), &Unit{Dropins: plain}, resource.Restart},
		"another, but it is stopped": {unit(no, nice, no), &Unit{Dropins: plain}, resource.None},
		"gone":                       {unit(yes, plain, no), nil, resource.None},
		"drop-ins of others stay":    {&Unit{Active: yes, Own: no, OtherDropins: map[string]string{"a": "b"}}, &Unit{Dropins: plain}, resource.None},
		"drop-ins of others go":      {&Unit{Active: yes, Own: no, OtherDropins: map[string]string{"a": "b"}}, &Unit{OtherDropins: map[string]string{}}, resource.Restart},
		"gone beside others":         {&Unit{Active: yes, Own: no, OtherDropins: map[string]string{"a": "b"}}, nil, resource.None},
		"gone with drop-ins":         {unit(yes, nice, no), nil, resource.Restart},
		"gone with its file":         {unit(yes, plain, yes), nil, resource.Restart},
	} {
		if cost := (Verbs{}).Cost("x.service", c.got, c.want); cost != c.cost {
			t.Errorf("%s costs %s, want %s", name, cost, c.cost)
		}
	}
}

func TestMistakesInUnit(t *testing.T) {
	for _, name := range []string{"ssh.service", "openvpn-server@office.service", "a@b@c.service", "-.mount", `dev-disk\x2dby.swap`, "apt-daily.timer", "x@10.8.0.0.service"} {
		good := Unit{OnChange: resource.Ptr("reload"), Dropins: []Dropin{dropin("10-limits", "[Service]\n"), dropin("a.b_c", "x")}}
		if found := good.Validate(name); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
	for name, want := range map[string]string{
		"ssh":              `"ssh" lacks the suffix of a unit; write "ssh.service"`,
		"openvpn-server@a": `"openvpn-server@a" lacks the suffix of a unit; write "openvpn-server@a.service"`,
		"openvpn@.service": `openvpn@.service is a template, which can't run by itself; name an instance, as in openvpn@office.service`,
		"../x.service":     `"../x.service" is no name of a unit; write it with its suffix, as in ssh.service or openvpn-server@office.service`,
		"a b.service":      `"a b.service" is no name of a unit; write it with its suffix, as in ssh.service or openvpn-server@office.service`,
		"x.service\n":      `"x.service\n" is no name of a unit; write it with its suffix, as in ssh.service or openvpn-server@office.service`,
		"user.slice":       `"user.slice" is no name of a unit; write it with its suffix, as in ssh.service or openvpn-server@office.service`,
	} {
		found := (&Unit{}).Validate(name)
		if len(found) != 1 || found[0].Summary+"; "+found[0].Hint != want {
			t.Errorf("%s: got %+v\nwant %s", name, found, want)
		}
	}
	bad := Unit{OnChange: resource.Ptr("stop"), Dropins: []Dropin{dropin("../x", ""), dropin("a.conf", ""), dropin("b", ""), dropin("b", ""), dropin("c", "\x00")}}
	var paths []string
	for _, m := range bad.Validate("x.service") {
		paths = append(paths, m.Path)
	}
	if got := strings.Join(paths, " "); got != "on_change dropin.../x dropin.a.conf dropin.b dropin.c.content" {
		t.Error(got)
	}

	for file, content := range map[string]string{
		etc + "/x.service.d/a.conf": mark, etc + "/x.service.d/b.conf": "", etc + "/x.service.d/c.conf": resource.Masked,
		etc + "/y.service.d/a.conf": "", etc + "/x.service.d/a": "", "/usr/lib/systemd/system/x.service.d/a.conf": "", etc + "/x.service.d/../a.conf": "",
	} {
		bad := Unit{Dropins: []Dropin{dropin("b", "")}, OtherDropins: map[string]string{file: content}}
		if found := bad.Validate("x.service"); len(found) != 1 || found[0].Path != "other_dropins" {
			t.Errorf("%s: %+v", file, found)
		}
	}
	good := Unit{Dropins: []Dropin{dropin("b", "")}, OtherDropins: map[string]string{etc + ".control/x.service.d/b.conf": "[Service]\n", inRun: "", inEtc: linkTo + "/dev/null"}}
	if found := good.Validate("x.service"); len(found) > 0 {
		t.Errorf("good ones: %+v", found)
	}
}

// A busy manager is a systemd that others keep busy: a unit on its way, and jobs
// that theirs get before.
type busy struct {
	Manager
	states  []string // from look to look; the last one stays
	results []string // of the jobs
	jobs    int
}

func (*busy) Close()                                    {}
func (*busy) Reload(context.Context) error              { return nil }
func (*busy) ResetFailed(context.Context, string) error { return nil }

func (b *busy) Run(context.Context, Job, string) (string, error) {
	b.jobs++
	result := b.results[0]
	b.results = b.results[1:]
	return result, nil
}

func (b *busy) Properties(context.Context, string) (map[string]any, error) {
	now := b.states[0]
	if len(b.states) > 1 {
		b.states = b.states[1:]
	}
	p := map[string]any{"Id": "x.service", "LoadState": "loaded", "StateChangeTimestamp": uint64(time.Now().UnixMicro())}
	job := uint32(0)
	if state, ok := strings.CutSuffix(now, " queued"); ok {
		now, job = state, 7
	}
	p["ActiveState"], p["Job"] = now, []any{job, "/"}
	return p, nil
}

// A restart by somebody is no drift, and nobody's job is cancelled for one of
// vpnd's; theirs that come in between are waited for.
func TestJobsOfOthersAreWaitedFor(t *testing.T) {
	root := t.TempDir()
	yes := true
	for name, c := range map[string]struct {
		states, results []string
		active          bool
		jobs            int
		err             string
	}{
		"a restart":                {states: []string{"deactivating queued", "inactive queued", "activating", "active"}, active: true},
		"a stop":                   {states: []string{"deactivating queued", "inactive", "inactive", "active"}, results: []string{"done"}, jobs: 1},
		"a start that is canceled": {states: []string{"inactive", "inactive", "deactivating", "inactive", "active"}, results: []string{"canceled", "done"}, jobs: 2},
		"a stop that is opposed":   {states: []string{"inactive", "inactive", "active"}, results: []string{"opposed"}, jobs: 1},
		"somebody for ever":        {states: []string{"inactive"}, results: []string{"canceled", "opposed", "canceled", "canceled", "canceled"}, jobs: 5, err: "somebody else keeps stopping it"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &busy{states: c.states, results: c.results}
			v := Verbs{Root: root, Connect: func(context.Context) (Manager, error) { return b, nil }}
			got, err := resourcetest.Observe(t.Context(), v, "x.service")
			if err != nil || *got.Active != c.active {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			err = resourcetest.Apply(t.Context(), v, "x.service", got, Unit{Active: &yes})
			if said := fmt.Sprint(err); (c.err == "") != (err == nil) || !strings.Contains(said, c.err) || b.jobs != c.jobs {
				t.Errorf("%s: after %d jobs: %v", name, b.jobs, err)
			}
		})
	}
}
