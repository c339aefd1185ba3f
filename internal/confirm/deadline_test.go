package confirm

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/unit"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// systemd is a fake one: timers that never go off by themselves.
type systemd struct {
	timers  map[string]time.Duration
	argv    []string
	enabled string // path of the packaged unit
	stopped []string
	undoing bool
	broken  map[string]error // by the name of the method
}

func (s *systemd) StartTimer(_ context.Context, timer string, after time.Duration, argv []string) error {
	if err := s.broken["StartTimer"]; err != nil {
		return err
	}
	s.timers[timer], s.argv = after, argv
	return nil
}

func (s *systemd) StopTimer(_ context.Context, timer string) error {
	delete(s.timers, timer)
	return s.broken["StopTimer"]
}

func (s *systemd) Ticking(_ context.Context, timer string) (bool, error) {
	_, ok := s.timers[timer]
	return ok, s.broken["Ticking"]
}

func (s *systemd) Enabled(_ context.Context, unit string) (string, error) {
	if unit != packaged {
		return "", errors.New("asked about " + unit)
	}
	return s.enabled, s.broken["Enabled"]
}

func (s *systemd) Active(context.Context, string) (string, error) { return "", nil }

func (s *systemd) Undoing(context.Context) (bool, error) { return s.undoing, s.broken["Undoing"] }

func (s *systemd) Cancel(_ context.Context, unit string) error {
	s.stopped = append(s.stopped, unit)
	return s.broken["Cancel"]
}

func (s *systemd) Close() {}

func (s *systemd) ticking() []string { return slices.Sorted(maps.Keys(s.timers)) }

// rig is a deadline on a fake systemd and a temporary root.
type rig struct {
	*Deadline
	*systemd
	t   *testing.T
	dir string
}

func newRig(t *testing.T) rig {
	t.Helper()
	dir := t.TempDir()
	store, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	fake := &systemd{timers: make(map[string]time.Duration), broken: make(map[string]error)}
	return rig{&Deadline{
		Store: store, Dir: dir, Root: t.TempDir(), Argv: []string{"/usr/sbin/vpnd", "rollback"},
		Connect: func(context.Context) (Manager, error) { return fake, fake.broken["Connect"] },
	}, fake, t, dir}
}

func (r rig) pending() *state.Pending {
	r.t.Helper()
	p, err := state.ReadPending(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// files lists what stands below the root, directories left out.
func (r rig) files() []string {
	r.t.Helper()
	var found []string
	err := filepath.WalkDir(r.Root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, strings.TrimPrefix(path, r.Root))
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

func (r rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// clean checks that nothing is left of any deadline.
func (r rig) clean() {
	r.t.Helper()
	if p, timers, files := r.pending(), r.ticking(), r.files(); p != nil || len(timers) > 0 || len(files) > 0 {
		r.t.Errorf("left: %v, %v, %v", p, timers, files)
	}
}

func TestArmed(t *testing.T) {
	r := newRig(t)
	r.ok(r.Arm(t.Context(), "snap", time.Minute))
	p := r.pending()
	if p == nil || p.Snapshot != "snap" || p.Process != os.Getpid() || time.Until(p.Deadline) > time.Minute || time.Until(p.Deadline) < 50*time.Second {
		t.Errorf("pending: %+v", p)
	}
	if r.timers[p.Timer] != time.Minute || !slices.Equal(r.argv, r.Argv) {
		t.Errorf("timers %v run %q", r.timers, r.argv)
	}
	files := r.files()
	if len(files) != 2 {
		t.Fatalf("a unit and the link that enables it: %q", files)
	}
	through, err := os.ReadFile(filepath.Join(r.Root, files[0])) // the link comes first
	if err != nil || !strings.Contains(string(through), "ExecStart=/usr/sbin/vpnd rollback --at-boot\n") {
		t.Errorf("%v:\n%s", err, through)
	}

	if due, err := r.Due(t.Context()); due != nil || err != nil {
		t.Errorf("due while the timer runs: %v %v", due, err)
	}
	delete(r.timers, p.Timer)
	if due, err := r.Due(t.Context()); due == nil || err != nil {
		t.Errorf("not due after the timer: %v", err)
	}
	r.ok(r.Disarm(t.Context()))
	r.clean()
	if due, err := r.Due(t.Context()); due != nil || err != nil {
		t.Errorf("due without an apply: %v %v", due, err)
	}
}

// An apply is due where nobody can tell whether its timer runs: what was there
// before it is known to work.
func TestDueInDoubt(t *testing.T) {
	r := newRig(t)
	r.ok(r.Arm(t.Context(), "snap", time.Minute))
	for _, method := range []string{"Connect", "Ticking"} {
		r.broken = map[string]error{method: errors.New("no")}
		if due, err := r.Due(t.Context()); due == nil || err != nil {
			t.Errorf("%s fails: %v", method, err)
		}
	}
}

// It is too late for a confirmation once the timer has gone off; where nobody
// can tell, the clock decides.
func TestOver(t *testing.T) {
	r := newRig(t)
	r.ok(r.Arm(t.Context(), "snap", time.Minute))
	p := r.pending()
	if r.Over(t.Context(), p) {
		t.Error("over while the timer runs")
	}
	for _, method := range []string{"Connect", "Ticking"} {
		r.broken = map[string]error{method: errors.New("no")}
		if r.Over(t.Context(), p) {
			t.Errorf("%s fails: over before the deadline", method)
		}
		past := *p
		past.Deadline = time.Now()
		if !r.Over(t.Context(), &past) {
			t.Errorf("%s fails: not over after the deadline", method)
		}
	}
	r.broken, r.timers = nil, nil
	if !r.Over(t.Context(), p) {
		t.Error("not over after the timer")
	}
}

// An undo that nobody is about to begin is begun, and no other beside it.
func TestResume(t *testing.T) {
	r := newRig(t)
	r.undoing = true
	if begun, err := r.Resume(t.Context()); begun || err != nil || len(r.timers) > 0 {
		t.Errorf("beside another: %v %v %v", begun, err, r.timers)
	}
	r.undoing = false
	begun, err := r.Resume(t.Context())
	r.ok(err)
	if !begun || len(r.timers) != 1 || !slices.Equal(r.argv, r.Argv) {
		t.Errorf("%v: timers %v run %q", begun, r.timers, r.argv)
	}
	for _, method := range []string{"Connect", "Undoing", "StartTimer"} {
		r.broken = map[string]error{method: errors.New("no")}
		if begun, err := r.Resume(t.Context()); begun || err == nil {
			t.Errorf("%s fails: %v %v", method, begun, err)
		}
	}
}

// Where arming fails, nothing is left, and the apply doesn't begin.
func TestNotArmed(t *testing.T) {
	for _, method := range []string{"Connect", "StartTimer", "Enabled"} {
		r := newRig(t)
		r.broken[method] = errors.New("no")
		if err := r.Arm(t.Context(), "snap", time.Minute); err == nil || !strings.Contains(err.Error(), "no") {
			t.Errorf("%s fails: %v", method, err)
		}
		r.clean()
	}
	r := newRig(t)
	if err := r.Arm(t.Context(), "snap", time.Nanosecond); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("the deadline passed while arming: %v", err)
	}
	r.clean()
}

func TestExtend(t *testing.T) {
	r := newRig(t)
	if p, err := r.Extend(t.Context(), time.Hour); p != nil || err != nil {
		t.Errorf("nothing to extend: %v %v", p, err)
	}
	r.ok(r.Arm(t.Context(), "snap", time.Minute))
	first := r.pending()
	p, err := r.Extend(t.Context(), time.Hour)
	r.ok(err)
	if p.Timer == first.Timer || *p != *r.pending() || p.Snapshot != "snap" || time.Until(p.Deadline) < 50*time.Minute {
		t.Errorf("extended: %+v", p)
	}
	if !slices.Equal(r.ticking(), []string{p.Timer}) {
		t.Errorf("timers: %v", r.timers)
	}
	later, err := r.Extend(t.Context(), time.Minute)
	r.ok(err)
	if *later != *p || *r.pending() != *p || !slices.Equal(r.ticking(), []string{p.Timer}) {
		t.Errorf("an extension made the deadline sooner: %+v", later)
	}

	r.broken["StartTimer"] = errors.New("no")
	if _, err := r.Extend(t.Context(), 2*time.Hour); err == nil || *p != *r.pending() || len(r.timers) != 1 {
		t.Errorf("an extension that fails leaves the deadline: %v", err)
	}
}

// A confirmation counts from the moment that the file is gone: what is cut
// short after it is found by the timer, which cleans up.
func TestConfirmedWhenCutShort(t *testing.T) {
	r := newRig(t)
	r.ok(r.Arm(t.Context(), "snap", time.Minute))
	r.ok(r.Store.DropPending())
	r.timers = make(map[string]time.Duration)
	if due, err := r.Due(t.Context()); due != nil || err != nil {
		t.Errorf("due: %v %v", due, err)
	}
	r.ok(r.Tidy())
	r.clean()

	r.ok(r.Arm(t.Context(), "snap", time.Minute))
	r.broken["Connect"] = errors.New("no")
	r.ok(r.Disarm(t.Context()))
	if r.pending() != nil {
		t.Error("an apply is confirmed without systemd too")
	}
}

// sandbox are settings in which both units are alike. The agent may see more:
// it watches.
var sandbox = map[string]bool{
	"CapabilityBoundingSet": true, "RestrictNamespaces": true, "RestrictAddressFamilies": true, "ProtectSystem": true,
	"PrivateTmp": true, "ProtectKernelTunables": true, "PrivateDevices": true, "DeviceAllow": true, "NoNewPrivileges": true,
	"UMask": true, "LimitCORE": true,
}

func TestPackagedUnit(t *testing.T) {
	packagedText, err := os.ReadFile("../../packaging/" + packaged)
	if err != nil {
		t.Fatal(err)
	}
	argv := strings.Fields("/usr/sbin/vpnd rollback --yes --unconfirmed --state-dir /var/lib/vpnd --run-dir /run/vpnd --at-boot")
	_, want, _ := strings.Cut(bootText("/var/lib/vpnd", argv), "[Unit]")
	want = strings.Replace(want, "DefaultDependencies", conditions("/var/lib/vpnd")+"DefaultDependencies", 1)
	if _, got, _ := strings.Cut(string(packagedText), "[Unit]"); got != want {
		t.Errorf("the packaged unit is:\n%s\nand what vpnd writes elsewhere would be:\n%s", got, want)
	}
	agent, err := os.ReadFile("../../packaging/vpnd.service")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(agent)) {
		if name, _, _ := strings.Cut(line, "="); sandbox[name] && !strings.Contains(string(packagedText), line) {
			t.Errorf("the undo at boot lacks what the agent has: %s", line)
		}
	}
	if strings.Contains(bootText("/var/tmp/vpnd", argv), "PrivateTmp") || strings.Contains(bootText("/var/lib/vpnd", []string{"/tmp/vpnd"}), "PrivateTmp") {
		t.Error("a unit that can't see what it is for")
	}
	if text := bootText("/var/lib/vpnd", []string{"/usr/sbin/vpnd", "--state-dir", "/srv/$HOME"}); !strings.Contains(text, "ExecStart=/usr/sbin/vpnd --state-dir /srv/$$HOME\n") {
		t.Errorf("systemd would put a variable in:\n%s", text)
	}
	if got := quote(`/a b/%i"\`); got != `"/a b/%%i\"\\"` {
		t.Error(got)
	}
}

// The packaged unit does where it is enabled and looks into the same directory.
func TestPackagedUnitDoes(t *testing.T) {
	r := newRig(t)
	r.enabled = filepath.Join(t.TempDir(), packaged)
	text := "[Unit]\n" + conditions(r.dir)
	r.ok(os.WriteFile(r.enabled, []byte(text), 0o600))
	r.ok(r.Arm(t.Context(), "snap", time.Minute))
	if files := r.files(); len(files) > 0 {
		t.Errorf("written besides: %q", files)
	}
	r.ok(os.WriteFile(r.enabled, []byte("[Unit]\n"+conditions("/elsewhere")), 0o600))
	r.ok(r.Arm(t.Context(), "snap", time.Minute))
	if files := r.files(); len(files) != 2 {
		t.Errorf("the packaged unit looks elsewhere, and written was: %q", files)
	}
}

// Before the network is up units can't be started and waited for, and those
// that shall not run are about to.
func TestAtBoot(t *testing.T) {
	fake := &systemd{}
	was := func(kind, name, shape string) state.Was {
		return state.Was{ID: resource.ID{Kind: kind, Name: name}, Shape: json.RawMessage(shape)}
	}
	snap := &state.Snapshot{Present: []state.Was{
		was("unit", "on.service", `{"active":true,"enabled":true}`),
		was("unit", "off.service", `{"active":false,"enabled":false}`),
		was("sysctl", "a", `{"active":true}`),
	}}
	if err := AtBoot(t.Context(), fake, resource.Catalog{Kinds: []resource.Kind{resource.Define("unit", "", unit.Traits, unit.Verbs{})}}, snap); err != nil {
		t.Fatal(err)
	}
	var shapes []string
	for _, p := range snap.Present {
		shapes = append(shapes, string(p.Shape))
	}
	if want := []string{`{"enabled":true}`, `{"active":false,"enabled":false}`, `{"active":true}`}; !slices.Equal(shapes, want) {
		t.Errorf("%q", shapes)
	}
	if !slices.Equal(fake.stopped, []string{"off.service"}) {
		t.Errorf("stopped: %q", fake.stopped)
	}
}
