package daemon

import (
	"slices"

	"vpnd/internal/notify"
	"vpnd/internal/report"
)

// handouts tells who has come to need a new profile since the last look at
// everything. Those of before the agent's start were told then.
func (l *look) handouts() {
	if !l.planned || !l.scope.whole {
		return
	}
	now := l.engine().Waiting()
	news := newcomers(l.agent.profileless, now)
	l.agent.profileless = &now
	if text := report.HandOut(news); text != "" {
		l.Log.Warn("what people hold is void", "names", report.Names(news))
		l.notify.Tell(notify.Event{Event: notify.Profile, Text: text})
	}
}

// newcomers are the names that were not known; where nothing is, none is new.
func newcomers(known *[]string, now []string) []string {
	if known == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(now), func(name string) bool { return slices.Contains(*known, name) })
}
