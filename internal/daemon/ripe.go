package daemon

import (
	"reflect"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Time is an event, too: a certificate that enters its renewal window is looked
// at then, and not at the end of the interval.

// ripen notes when what was seen will have to be renewed.
func (l *look) ripen(p *engine.Plan) {
	for id := range l.ripens {
		if l.scope.holds(id) {
			delete(l.ripens, id)
		}
	}
	for _, kind := range []string{"certificate", "crl"} {
		for _, s := range p.Seen(kind) {
			if until := freshUntil(s.Got); until.After(l.Now()) {
				l.ripens[s.ID] = until
			}
		}
	}
}

// freshUntil returns when the renewal window of what was seen begins, the zero
// time where that is not known.
func freshUntil(got any) time.Time {
	v := reflect.ValueOf(got).Elem()
	for _, f := range resource.Fields(v.Type()) {
		if until, ok := v.Field(f.Index).Interface().(*time.Time); ok && f.Name == "fresh_until" && until != nil {
			return *until
		}
	}
	return time.Time{}
}

// nextRipe returns when the first of them is ripe. While repairs wait for
// somebody else, those wait too.
func (a *agent) nextRipe() (at time.Time, ok bool) {
	if a.waiting {
		return at, false
	}
	for _, until := range a.ripens {
		if !ok || until.Before(at) {
			at, ok = until, true
		}
	}
	return at, ok
}

// ripe returns whose time has come since it was last asked.
func (a *agent) ripe() []resource.ID {
	var ids []resource.ID
	for id, until := range a.ripens {
		if !until.After(a.Now()) {
			ids = append(ids, id)
			delete(a.ripens, id)
		}
	}
	return ids
}
