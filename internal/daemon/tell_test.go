package daemon

import (
	"testing"

	"vpnd/internal/report"
	"vpnd/internal/resource"
)

func TestWhatMovedAndWhatChanges(t *testing.T) {
	diffs := []resource.Diff{
		{Attribute: "key", Before: "hush", After: "hush!", Sensitive: true},
		{Attribute: "mode", After: "0600"},
		{Attribute: "owner", Before: "root"},
		{Attribute: "group", Before: "root", After: "vpn"},
	}
	if got, want := report.Moved(diffs), `key (sensitive), mode 0600 is missing, owner root instead of (none), group root instead of vpn`; got != want {
		t.Errorf("%s instead of %s", got, want)
	}
	if got, want := report.Becomes(diffs), `key (sensitive), mode 0600, owner no longer root, group from root to vpn`; got != want {
		t.Errorf("%s instead of %s", got, want)
	}
}

// That a reader has to take notice is no drift of its own.
func TestConsequencesAreNotTold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"conf": "1", "unit:u.service": "1"})
		r.read("conf")()
		r.start()
		r.wish(map[string]string{"conf": "1", "unit:u.service": "1"}, observe)
		r.read("conf")()
		r.reload()
		r.touch("conf", "2", "")
		r.rest()
		if s := r.status(); len(s.Drift) != 1 || s.Drift[0].ID.Name != "conf" || len(s.Pending) > 0 {
			t.Errorf("status: %+v, %+v", s.Drift, s.Pending)
		}
	})
}

// A tunnel is up where it was seen to be, and told of by looks elsewhere too.
func TestTunnelsAreTold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "tun:tun0": "1"})
		r.start()
		r.touch("a", "2", "")
		r.rest()
		if all := r.status().Tunnels; len(all) != 1 || all[0].ID.Name != "tun0" || all[0].Block != "block.b" || all[0].Up {
			t.Errorf("tunnels: %+v", all)
		}
		r.wish(map[string]string{"a": "1", "tun:tun0": "up"})
		r.reload()
		if all := r.status().Tunnels; len(all) != 1 || !all[0].Up {
			t.Errorf("once it is up: %+v", all)
		}
	})
}

// What vpnd computes of whether a thing is right is no word for people.
func TestVerdictsAreNotToldBesideWhatMoved(t *testing.T) {
	wrong := resource.Diff{Attribute: "current", Before: "false", After: "true", Computed: true}
	mode := resource.Diff{Attribute: "mode", Before: "0644", After: "0600"}
	if got := report.Story([]resource.Diff{mode, wrong}); got != "mode 0644 instead of 0600" {
		t.Error(got)
	}
	if got := report.Story([]resource.Diff{wrong}); got != "not as it should be" {
		t.Error(got)
	}
	if got := report.Becomes([]resource.Diff{mode, wrong}); got != "mode from 0644 to 0600" {
		t.Error(got)
	}
	if got := report.Becomes([]resource.Diff{wrong}); got != "" {
		t.Error(got)
	}
}
