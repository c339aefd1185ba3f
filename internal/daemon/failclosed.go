package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"vpnd/internal/notify"
	"vpnd/internal/resource"
)

// failClosed keeps a host from forwarding without its filter rules. At boot the file of
// vpnd leaves it off, but another program may have switched it on before vpnd
// runs; later somebody may take the rules away, and where they can't be set (no
// iptables, a full disk) nothing else would keep packets out. It stays off until
// the rules stand that it was to come after.
func (a *agent) failClosed(p *pass) {
	if a.active == nil || a.active.Observing() || p.Facts.Beside {
		return
	}
	missing := a.findings.Unrestored(a.opts.filters, a.opts.Now())
	switch {
	case a.life.guarding && p.Plan == nil:
		missing = a.unplanned()
	case a.life.guarding || p.Plan != nil && len(a.closed) > 0:
		missing = a.findings.Missing(a.opts.filters)
	case len(a.closed) > 0:
		return
	}
	needs := closes(a.opts.Catalog, a.active.Present, missing)
	for _, id := range needs {
		a.close(id, missing)
	}
	for _, id := range a.closed {
		if !slices.Contains(needs, id) {
			a.opts.Log.Info("the filter rules stand, so forwarding is as the configuration says again", "id", id)
		}
	}
	a.closed = needs
}

// filters says whether a thing is rules that may keep a packet out.
func (o *Options) filters(id resource.ID) bool {
	return o.Catalog.Traits(id.Kind).Filters.Of(id.Name)
}

// guards says whether the host's safety rests on the thing from moment to moment:
// packets pass by what the kernel holds now.
func (o *Options) guards(id resource.ID) bool { return o.Catalog.Traits(id.Kind).Guards }

// unplanned are all filter rules, of a host that nobody could look at.
func (a *agent) unplanned() map[resource.ID]error {
	missing := make(map[resource.ID]error)
	for _, r := range a.active.Present {
		if a.opts.filters(r.ID) {
			missing[r.ID] = errors.New("nobody could look at the host")
		}
	}
	return missing
}

// closes returns the switches that come after something that is missing.
func closes(c resource.Catalog, present []resource.Resource, missing map[resource.ID]error) []resource.ID {
	if len(missing) == 0 {
		return nil
	}
	needs := resource.NewGraph(c, present).Dependants(slices.Collect(maps.Keys(missing))...)
	var ids []resource.ID
	for _, r := range present {
		if c.Traits(r.ID.Kind).Forwards.Of(r.ID.Name) && needs[r.ID] {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// close switches one off and says so, loudly: nobody gets through this host now.
func (a *agent) close(id resource.ID, missing map[resource.ID]error) {
	was, err := a.opts.Host.StopForwarding(id.Name)
	if err == nil && !was && slices.Contains(a.closed, id) {
		return
	}
	text := fmt.Sprintf("%s is switched off until the filter rules stand: %s", id, reasons(missing))
	if err != nil {
		text = fmt.Sprintf("%s could not be switched off (%v), and the filter rules are missing or out of sight: %s", id, err, reasons(missing))
	}
	a.opts.Log.Error("the filter rules are missing or out of sight, so the host must not forward", "id", id, "error", text)
	a.out.notify.Tell(notify.Event{Event: notify.Failure, Text: text})
}

// reasons names what is missing and why, but for what only comes after that.
func reasons(missing map[resource.ID]error) string {
	var words []string
	for id, err := range missing {
		if !strings.HasPrefix(err.Error(), "skipped") {
			words = append(words, strings.TrimSuffix(fmt.Sprintf("%s: %v", id, err), ": "))
		}
	}
	slices.Sort(words)
	return strings.Join(words, "; ")
}

// StopForwarding switches forwarding off until somebody switches it on again, and says
// whether it was on. Files are left alone: what the next boot does is for the
// configuration to say.
func StopForwarding(key string) (was bool, err error) {
	path := "/proc/sys/" + strings.ReplaceAll(key, ".", "/")
	value, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil // a kernel without that protocol
	}
	if err != nil || bytes.Equal(bytes.TrimSpace(value), []byte("0")) {
		return false, err
	}
	return true, os.WriteFile(path, []byte("0\n"), 0)
}
