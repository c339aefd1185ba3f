package daemon

import (
	"testing"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// A repair that takes long and has failed before is told as under way, with the
// error of the last try, all the time; and as failed in between.
func TestWhatIsUnderWayIsToldWithItsLastError(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "unit:u.service": "1"})
		r.start()
		r.alter(func() { r.broken["u.service"] = true; r.starts = 20 * time.Second })
		r.touch("u.service", "2", "")
		time.Sleep(10 * time.Second)
		if s := r.status(); len(s.Drift) != 1 || s.Drift[0].Outcome != status.UnderWay || s.Drift[0].Error != "" {
			t.Errorf("the first try: %+v", s.Drift)
		}
		time.Sleep(15 * time.Second)
		r.failsAllTheTime(func(s *status.Status) (ids []resource.ID, o status.Outcome, text string) {
			for _, d := range s.Drift {
				ids, o, text = append(ids, d.ID), d.Outcome, d.Error
			}
			return ids, o, text
		})
		r.alter(func() { r.broken["u.service"] = false })
		time.Sleep(10 * time.Minute)
		if s := r.status(); len(s.Drift) > 0 || s.Recent[0].Outcome != status.Repaired || s.Recent[0].Error != "" {
			t.Errorf("repaired: %+v, %+v", s.Drift, s.Recent)
		}
	})
}

// The same of what the configuration newly asks for.
func TestAWishUnderWayIsToldWithItsLastError(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.broken["u.service"] = true; r.starts = 20 * time.Second })
		r.wish(map[string]string{"a": "1", "b": "1", "unit:u.service": "1"})
		r.hups <- nil
		time.Sleep(25 * time.Second)
		r.failsAllTheTime(func(s *status.Status) (ids []resource.ID, o status.Outcome, text string) {
			for _, p := range s.Pending {
				ids, o, text = append(ids, p.ID), p.Outcome, p.Error
			}
			return ids, o, text
		})
	})
}

// failsAllTheTime looks at the status for some minutes, in which one thing fails
// again and again.
func (r *rig) failsAllTheTime(told func(*status.Status) ([]resource.ID, status.Outcome, string)) {
	r.Helper()
	met := make(map[status.Outcome]bool)
	for range 300 {
		time.Sleep(time.Second)
		ids, outcome, text := told(r.status())
		if len(ids) != 1 || text != "it is broken" {
			r.Fatalf("%v %s %q", ids, outcome, text)
		}
		met[outcome] = true
	}
	if len(met) != 2 || !met[status.UnderWay] || !met[status.Failed] {
		r.Errorf("met: %v", met)
	}
}
