package unit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Traits are what units are: systemd starts them when their time comes.
var Traits = resource.Traits{Runs: true, Together: true, Slow: true, StartsLater: true, Carries: true}

// Verbs converge units of systemd.
type Verbs struct {
	// Root is where /etc/systemd is: "/" for the host itself.
	Root string
	// Connect reaches systemd; see the function [Connect]. Nil is for an image, where none runs:
	// units can be enabled there and have drop-ins, and don't run.
	Connect func(ctx context.Context) (Manager, error)
	// Settle is how long a service is watched after its start; zero is one and
	// a half seconds.
	Settle time.Duration
	// Journal returns what the processes of a unit have logged since, a line
	// each; see the function [Journal]. Nil is for a host without one.
	Journal func(ctx context.Context, unit string, since time.Time) []string
	// Shared is what other watchers use too; nil is nothing, and nobody is named.
	Shared *notice.Shared
}

// Observe asks over one connection, and waits for units that are on their way.
// There is an answer for every name. Drop-ins of others are told of only where they
// aren't managed.
func (v Verbs) Observe(ctx context.Context, wants map[string]*Unit) (map[string]*Unit, error) {
	m, err := v.manager(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	until := time.Now().Add(patience)
	return resource.ObserveEach(ctx, wants, func(name string, want *Unit) (*Unit, error) { return v.observe(ctx, m, name, want, until) })
}

// Since returns when the unit last changed its state, reloads included. One that
// is on its way may still be reading its files.
func (v Verbs) Since(ctx context.Context, name string) (time.Time, error) {
	m, err := v.manager(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer m.Close()
	s, err := look(ctx, m, name)
	if err != nil || s.active != "active" {
		return time.Now(), err
	}
	return s.since, nil
}

func (v Verbs) observe(ctx context.Context, m Manager, name string, want *Unit, until time.Time) (*Unit, error) {
	s, err := look(ctx, m, name)
	if err == nil {
		s, err = arrived(ctx, m, s, until)
	}
	if err != nil {
		return nil, err
	}
	dropins, err := v.dropins(name)
	if err != nil {
		return nil, err
	}
	own, err := v.own(s)
	if err != nil {
		return nil, err
	}
	others, err := v.others(name)
	if err != nil {
		return nil, err
	}
	told, err := v.told(name, others, want != nil && want.OtherDropins != nil)
	if err != nil {
		return nil, err
	}
	return &Unit{
		Enabled: resource.Ptr(s.enabled()),
		Active:  resource.Ptr(s.running()),
		Dropins: dropins,
		Masked:  resource.Ptr(s.lifts(want)),
		Reloads: &s.canLoad,
		Own:     &own,
		Others:  &told,
		Failed:  resource.Ptr(s.failed()),

		OtherDropins:  others.all,
		ClosedDropins: others.closed,
	}, nil
}

// own says whether vpnd wrote the unit file.
func (v Verbs) own(s state) (bool, error) {
	if !strings.HasPrefix(s.fragment, etc+"/") {
		return false, nil
	}
	info, err := atomic.Stat(v.Root, s.fragment)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode.IsRegular() {
		return false, nil // just gone, masked, or a link to a file elsewhere
	}
	if err != nil {
		return false, err
	}
	content, err := v.read(s.fragment)
	return strings.HasPrefix(content, mark), err
}

// Normalize writes drop-ins as they will stand on the host. In an image nothing
// runs, and whether it shall is left out.
func (v Verbs) Normalize(_ context.Context, wants map[string]*Unit) (map[string]*Unit, error) {
	normal := make(map[string]*Unit, len(wants))
	for name, want := range wants {
		w := *want
		if w.Dropins != nil {
			w.Dropins = wished(w.Dropins)
			for i, d := range w.Dropins {
				w.Dropins[i].Content = resource.Ptr(withMark(name, *d.Content))
			}
			resource.Sort(w.Dropins, func(a, b Dropin) int { return cmp.Compare(a.Name, b.Name) })
		}
		if w.OtherDropins != nil {
			w.OtherDropins = asked(name, w.OtherDropins)
		}
		if v.Connect == nil {
			w.Active = nil
		}
		normal[name] = &w
	}
	return normal, nil
}

// write writes what systemd reads of a unit: its drop-ins, and whether it is enabled.
func (v Verbs) write(ctx context.Context, m Manager, c *change) (err error) {
	if c.now, err = fresh(ctx, m, c.Name); err != nil {
		return err
	}
	c.missing = c.now.missing()
	c.changed, err = v.setFiles(c.Name, c.Want)
	c.unread = c.changed
	if err != nil || c.missing {
		return err
	}
	linked, err := enable(ctx, m, c.now, c.Want.Enabled)
	c.unread = c.unread || linked
	return err
}

// setFiles makes the drop-ins those that are wished, and says whether the unit
// has a restart pending. Those of others come last: what was set aside for one of vpnd's
// is theirs again when that goes.
func (v Verbs) setFiles(name string, want Unit) (changed bool, err error) {
	if want.Dropins != nil {
		changed, err = v.setDropins(name, wished(want.Dropins))
	}
	if err != nil || want.OtherDropins == nil {
		return changed, err
	}
	others, err := v.setOthers(name, want)
	return changed || others, err
}

// settle starts or stops a unit, where that is wished, and puts its drop-ins into
// effect.
func (v Verbs) settle(ctx context.Context, m Manager, c *change) error {
	if err := v.proceed(ctx, m, c); err != nil || !c.changed {
		return err
	}
	return v.refreshed(c.Name)
}

// proceed has a unit that runs restart where its drop-ins changed: they count from the
// next start on.
func (v Verbs) proceed(ctx context.Context, m Manager, c *change) error {
	switch s, active := c.now, c.Want.Active; {
	case c.missing:
		return absent(c.Name, c.Want).Err()
	case active != nil && !*active:
		if err := v.stop(ctx, m, s); err != nil {
			return err
		}
		return maskAgain(ctx, m, s, c.Want.Masked)
	case s.running() && c.changed:
		return v.start(ctx, m, s, c.Want, Restart)
	case !s.running() && active != nil:
		return v.start(ctx, m, s, c.Want, Start)
	default:
		return maskAgain(ctx, m, s, c.Want.Masked)
	}
}

// absent is the error about a unit that isn't installed, unless nothing is
// asked of it.
func absent(name string, want Unit) *resource.Mistake {
	if needed := want.Enabled != nil && *want.Enabled || want.Active != nil && *want.Active; !needed {
		return nil
	}
	return &resource.Mistake{
		Summary: fmt.Sprintf("there is no unit %s on this host", name),
		Hint:    "install the package that brings it, with a package block that this one names in depends_on, or see the spelling",
	}
}

// fresh has systemd read its files again where it has not read what is there, and
// looks.
func fresh(ctx context.Context, m Manager, name string) (state, error) {
	s, err := look(ctx, m, name)
	if err != nil || !s.stale && !s.missing() {
		return s, err
	}
	return again(ctx, m, name)
}

// again has systemd read its files again, and looks.
func again(ctx context.Context, m Manager, name string) (state, error) {
	if err := reread(ctx, m); err != nil {
		return state{}, err
	}
	return look(ctx, m, name)
}

func reread(ctx context.Context, m Manager) error {
	if err := m.Reload(ctx); err != nil {
		return fmt.Errorf("having systemd read its unit files again: %w", err)
	}
	return nil
}

// enable makes the unit start at boot or not, and says whether systemd has to read
// its files again for that. Who asks for a unit to be enabled asks for its mask to
// go too.
func enable(ctx context.Context, m Manager, s state, want *bool) (changed bool, err error) {
	if want == nil || *want == s.enabled() {
		return false, nil
	}
	if changed = s.masked(); changed {
		// Twice, where it is masked both in /etc and in /run.
		for _, runtime := range []bool{false, true} {
			if err := m.Unmask(ctx, s.id, runtime); err != nil {
				return changed, fmt.Errorf("lifting the mask: %w", err)
			}
		}
		if s, err = look(ctx, m, s.id); err != nil || s.enabled() {
			return changed, err
		}
	}
	installs, err := m.Enable(ctx, s.id, *want)
	if err != nil {
		return changed, fmt.Errorf("changing whether it is enabled: %w", err)
	}
	if !installs {
		return changed, fmt.Errorf("the unit can't be enabled: its file has no [Install] section, so something else starts it; leave enabled out")
	}
	return true, nil
}

// Refresh reloads or restarts a unit that runs or shall run; see
// [Unit.EffectOf]. Systemd reads its files again in any case, where they changed.
func (v Verbs) Refresh(ctx context.Context, name string, want Unit, how resource.Effect) error {
	if v.Connect == nil || how == resource.Rebuild {
		return nil
	}
	if how != resource.None && how != resource.Reload && how != resource.Restart {
		return fmt.Errorf("a unit can be reloaded or restarted as a whole, and not to the effect of %s", how)
	}
	m, err := v.manager(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := fresh(ctx, m, name)
	if err != nil {
		return err
	}
	switch {
	case how == resource.None:
		return nil
	case !s.running() && (want.Active == nil || !*want.Active):
		return nil
	case s.missing():
		return absent(name, want).Err()
	case !s.running():
		return v.start(ctx, m, s, want, Start)
	case how == resource.Reload && s.canLoad:
		return v.start(ctx, m, s, want, Reload)
	default:
		return v.start(ctx, m, s, want, Restart)
	}
}

// Cost is a restart where a unit that runs is stopped or gets other drop-ins.
func (Verbs) Cost(_ string, got, want *Unit) resource.Effect {
	if got == nil || !*got.Active {
		return resource.None
	}
	stopped := want == nil && *got.Own || want != nil && want.Active != nil && !*want.Active
	changed := want == nil && len(got.Dropins) > 0 ||
		want != nil && len(resource.Compare(got, &Unit{Dropins: want.Dropins, OtherDropins: want.OtherDropins})) > 0
	if stopped || changed {
		return resource.Restart
	}
	return resource.None
}

// Marked says whether the unit has files that vpnd wrote.
func (Verbs) Marked(_ string, got *Unit) bool { return *got.Own || len(got.Dropins) > 0 }
