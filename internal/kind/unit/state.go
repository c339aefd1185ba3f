package unit

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A state is what systemd knows of a unit.
type state struct {
	id       string // its own name; the one asked for may be an alias
	load     string // loaded, not-found, masked, bad-setting …
	file     string // enabled, disabled, static, masked … ; see systemctl(1), is-enabled
	active   string
	sub      string
	result   string    // of the last run; empty where the type has none
	kind     string    // Type= of a service
	fragment string    // path of the unit file
	restarts uint32    // done by systemd itself
	canLoad  bool      // reload
	stale    bool      // files changed since systemd read them
	since    time.Time // when its state last changed
	queued   bool      // systemd has a job for it to do
}

func look(ctx context.Context, m Manager, name string) (state, error) {
	p, err := m.Properties(ctx, name)
	if err != nil {
		return state{}, fmt.Errorf("asking systemd: %w", err)
	}
	word := func(key string) string { s, _ := p[key].(string); return s }
	flag := func(key string) bool { b, _ := p[key].(bool); return b }
	restarts, _ := p["NRestarts"].(uint32)
	since, _ := p["StateChangeTimestamp"].(uint64) // microseconds
	job, _ := p["Job"].([]any)                     // its number and its path; 0 is none
	queued := len(job) > 0 && job[0] != uint32(0)
	return state{
		id: word("Id"), load: word("LoadState"), file: word("UnitFileState"),
		active: word("ActiveState"), sub: word("SubState"), result: word("Result"), kind: word("Type"),
		fragment: word("FragmentPath"), restarts: restarts, canLoad: flag("CanReload"), stale: flag("NeedDaemonReload"),
		since: time.UnixMicro(int64(since)), queued: queued,
	}, nil
}

func (s state) missing() bool { return s.load == "not-found" }

// masked says whether the unit is masked, be it that systemd has not read that yet.
func (s state) masked() bool { return s.load == "masked" || strings.HasPrefix(s.file, "masked") }

// enabled says whether the unit starts at the next boot because it was enabled:
// what is enabled in /run is forgotten by then, and what has no [Install]
// section can't be.
func (s state) enabled() bool { return s.file == "enabled" }

// running says whether the unit is up or on its way. One that systemd starts
// again and again is not.
func (s state) running() bool {
	switch s.active {
	case "active", "reloading", "refreshing":
		return true
	case "activating":
		return s.sub != "auto-restart" && s.sub != "auto-restart-queued"
	default:
		return false
	}
}

// limit is the result of a unit that was started, by whomever, too often within
// a time; systemd.unit(5), StartLimitIntervalSec=.
const limit = "start-limit-hit"

// failed says how a unit failed that systemd has given up. That it was started
// too often isn't told where it had failed before.
func (s state) failed() string {
	if s.active != "failed" {
		return ""
	}
	return fmt.Sprintf("with result %s after %d restarts by systemd, which starts it no more", s.result, s.restarts)
}

// String says it as systemctl status does.
func (s state) String() string {
	text := fmt.Sprintf("%s (%s)", s.active, s.sub)
	if s.result != "" && s.result != "success" {
		text += ", result " + s.result
	}
	return text
}

// settling is how long a unit is watched after its job is done. A service of
// most types counts as started when its process is; whether it stays shows
// later. One that notifies has said itself that it is ready.
func (s state) settling(full time.Duration) time.Duration {
	switch s.kind {
	case "":
		return 0 // no service
	case "notify", "notify-reload", "dbus", "oneshot":
		return full / 5
	default:
		return full
	}
}
