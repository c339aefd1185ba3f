package daemon

import (
	"testing"
	"time"
)

func TestReadyOnceConverged(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.want(map[string]string{"a": "1", "b": "1"})
		if !r.everTold("READY=1") {
			t.Error("systemd was not told")
		}
		if s := r.status(); !s.Ready || s.Mode != "enforce" || len(s.Drift)+len(s.Pending) > 0 || s.Apply.Changed != 2 {
			t.Errorf("status: %+v", s)
		}
	})
}

func TestDriftIsRepairedAndExplained(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.took()
		begun := time.Now()
		r.touch("a", "2", "evil (process 7)")
		for r.text("a") != "1" {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(begun); took > 50*time.Millisecond {
			t.Errorf("the repair of one event took %v", took)
		}
		r.rest()
		if did := r.took(); did != "a" {
			t.Errorf("repaired: %q", did)
		}
		s := r.status()
		if len(s.Recent) != 1 || len(s.Drift) != 0 {
			t.Fatalf("status: %+v", s)
		}
		d := s.Recent[0]
		if d.By != "evil (process 7)" || d.Noticed != "event" || d.Reason != "drift" || d.Outcome != Repaired || changes(d.Diffs) != `text "2" instead of "1"` {
			t.Errorf("record: %+v", d)
		}
		if r.logged(`msg=repaired id=thing.a action=update reason=drift attr="text \"2\" instead of \"1\"" noticed=event by="evil (process 7)"`) != 1 {
			t.Error(r.logs.String())
		}
	})
}
