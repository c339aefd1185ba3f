package daemon

import (
	"testing"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

var (
	nat    = resource.ID{Kind: "chain", Name: "ip/nat/X"}
	filter = resource.ID{Kind: "chain", Name: "ip/filter/X"}
)

// What admits people, and rules, are repaired however often somebody damages them.
func TestWhatIsEssential(t *testing.T) {
	for id, want := range map[resource.ID]bool{
		{Kind: "crl", Name: "/var/lib/vpnd/pki/office/crl.pem"}:                         true,
		{Kind: "assembled_file", Name: "/etc/openvpn/server/office/crl.pem"}:            true,
		{Kind: "assembled_file", Name: "/etc/openvpn/server/office/bundle.pem"}:         false,
		{Kind: "openvpn_admission", Name: "/run/openvpn-server/office/management.sock"}: true,
		filter:                                true,
		nat:                                   true,
		{Kind: "chain", Name: "ip6/mangle/X"}: true,
		{Kind: "file", Name: "/etc/x"}:        false,
	} {
		if got := real.essential(id); got != want {
			t.Errorf("%s is essential: %v", id, got)
		}
	}
}

func TestFlappingInTheLoop(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1", "chain:ip/filter/X": "1"})
		r.start()
		r.took()
		open := 0
		for range 10 * 60 {
			r.touch("a", "2", "evil (process 7)")
			r.touch("ip/filter/X", "2", "evil (process 7)")
			time.Sleep(500 * time.Millisecond)
			if r.text("ip/filter/X") != "1" {
				open++
			}
			time.Sleep(500 * time.Millisecond)
		}
		if open > 0 {
			t.Errorf("%d times the filter rules were still missing after half a second", open)
		}
		r.touch("b", "2", "")
		r.rest()
		r.want(map[string]string{"a": "2", "b": "1"})
		s := r.status()
		if len(s.Flapping) != 2 || s.Flapping[1].By != "evil (process 7)" || s.Flapping[1].Until.IsZero() || !s.Flapping[0].Until.IsZero() {
			t.Errorf("flapping: %+v", s.Flapping)
		}
		if len(s.Drift) != 1 || s.Drift[0].Outcome != status.Flapping {
			t.Errorf("drift: %+v", s.Drift)
		}
		if n := r.logged("another program changes it"); n != 2 {
			t.Errorf("flapping was told %d times", n)
		}
		if n := r.logged("msg=\"drift repaired\""); n > 20 {
			t.Errorf("%d repairs were told", n)
		}
		time.Sleep(20 * time.Minute) // nobody moves it
		r.want(map[string]string{"a": "1"})
		if s := r.status(); len(s.Flapping)+len(s.Drift) != 0 {
			t.Errorf("after that: %+v %+v", s.Flapping, s.Drift)
		}
		if n := r.logged("has given up"); n != 2 {
			t.Errorf("its end was told %d times", n)
		}
	})
}

func TestReloadForgives(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		for range 10 {
			r.touch("a", "2", "evil")
			time.Sleep(time.Second)
		}
		r.want(map[string]string{"a": "2"})
		r.reload()
		r.want(map[string]string{"a": "1"})
	})
}
