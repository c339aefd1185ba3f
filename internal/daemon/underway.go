package daemon

import (
	"cmp"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// What a look has yet to do is told before it is done, since a service may take
// minutes to start: as under way, with the error of the last try where there was
// one. As repaired it is told once it is.

// tries are why things were not done the last time, as far as the status tells.
func tries(s *status.Status) map[resource.ID]string {
	errors := make(map[resource.ID]string)
	for _, d := range s.Drift {
		errors[d.ID] = d.Error
	}
	for _, p := range s.Pending {
		errors[p.ID] = p.Error
	}
	return errors
}

// meant is what is to be told of a thing before anything is done about it.
func (l *look) meant(id resource.ID, tries map[resource.ID]string) (o status.Outcome, last string) {
	switch o = l.decisions[id].Outcome; o {
	case status.Repaired:
		return status.UnderWay, tries[id]
	case status.Failed: // and waits for its next try
		return status.Failed, tries[id]
	}
	return o, ""
}

// underWay returns the drift of the look as it is to be told before anything is
// done about it.
func (l *look) underWay(tries map[resource.ID]string) []status.Drift {
	var all []status.Drift
	for _, d := range l.drift {
		var last string
		d.Outcome, last = l.meant(d.ID, tries)
		d.Error = cmp.Or(last, d.Error)
		all = append(all, d)
	}
	return all
}
