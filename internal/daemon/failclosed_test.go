package daemon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"vpnd/internal/config"
	"vpnd/internal/findings"
	"vpnd/internal/resource"
)

const forward = "net.ipv4.ip_forward"

var (
	guard     = resource.ID{Kind: "chain", Name: "ip/filter/VPND-A"}
	forwards  = resource.ID{Kind: "sysctl", Name: forward}
	forwards6 = resource.ID{Kind: "sysctl", Name: "net.ipv6.conf.all.forwarding"}
)

// boot has the host start with forwarding on, as sysctl.d has it, and a
// configuration that wants that only behind filter rules.
func (r *rig) boot() {
	r.Helper()
	one := "1"
	want := func(id resource.ID, after ...resource.ID) resource.Resource {
		return resource.Resource{ID: id, Want: &thing{Text: &one}, After: after, Owners: []resource.Owner{{Block: resource.ID{Kind: "block", Name: id.Name}}}}
	}
	r.choose(func() {
		r.boots = true
		r.cfg = &config.Config{}
		r.cfg.Desired.Present = []resource.Resource{want(guard), want(forwards, guard), want(forwards6)}
	})
	r.touch(forward, "1", "")
	r.touch(forwards6.Name, "1", "")
	r.Host.StopForwarding = func(key string) (bool, error) {
		was := r.text(key) != "0"
		if was {
			r.touch(key, "0", "")
		}
		return was, nil
	}
}

func TestShutAtBoot(t *testing.T) {
	for name, harm := range map[string]func(r *rig, on bool){
		"the rules can't be set": func(r *rig, on bool) { r.broken[guard.Name] = on },
		"the host refuses them": func(r *rig, on bool) {
			r.refuses = ""
			if on {
				r.refuses = guard.Name
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.boot()
				r.start() // takes the configuration
				r.stop()
				r.alter(func() { delete(r.things, guard.Name); harm(r, true) })
				r.start()
				r.want(map[string]string{forward: "0", forwards6.Name: "1"})
				s := r.status()
				if len(s.FailClosed) != 1 || s.FailClosed[0] != forwards || !strings.Contains(s.Summary(), "nothing is forwarded") {
					t.Errorf("%v: %s", s.FailClosed, s.Summary())
				}
				r.touch(forward, "1", "") // somebody else switches it on
				r.rest()
				r.choose(func() { r.boots = false })
				time.Sleep(time.Minute)
				r.want(map[string]string{forward: "0"})
				if n := r.logged("must not forward"); n != 2 {
					t.Errorf("it was said %d times\n%s", n, r.logs.String())
				}
				r.alter(func() { harm(r, false) })
				r.took()
				time.Sleep(retry + 2*time.Second)
				r.want(map[string]string{forward: "1"})
				if order := r.took(); order != guard.Name+" "+forward {
					t.Errorf("in this order: %s", order)
				}
				if s := r.status(); len(s.FailClosed) > 0 {
					t.Errorf("still shut: %v", s.FailClosed)
				}
			})
		})
	}
}

// A host that is up is not cut off while its rules stand, whoever else changes them
// or hides them for a moment; where they can't be put back, it is, as at boot.
func TestShutLater(t *testing.T) {
	bubble(t, func(r *rig) {
		r.boot()
		r.start()
		r.choose(func() { r.boots = false })
		r.rest()
		for range 20 {
			r.touch(guard.Name, "0", "")
			time.Sleep(100 * time.Millisecond)
		}
		r.alter(func() { r.hidden = map[string]string{guard.Name: "no iptables"} })
		r.touch(guard.Name, "1", "")
		time.Sleep(findings.Blind / 2)
		r.alter(func() { r.hidden = nil })
		time.Sleep(time.Minute)
		r.want(map[string]string{guard.Name: "1", forward: "1"})
		if n := r.logged("must not forward"); n > 0 {
			t.Errorf("it was shut %d times\n%s", n, r.logs.String())
		}

		for name, harm := range map[string]func(on bool){
			"broken": func(on bool) { r.broken[guard.Name] = on },
			"hidden": func(on bool) {
				if r.hidden = nil; on {
					r.hidden = map[string]string{guard.Name: "no iptables"}
				}
			},
		} {
			r.alter(func() { harm(true) })
			r.touch(guard.Name, "0", "evil")
			time.Sleep(2 * findings.Blind)
			r.want(map[string]string{forward: "0", forwards6.Name: "1"})
			if s := r.status(); len(s.FailClosed) != 1 || s.FailClosed[0] != forwards {
				t.Errorf("%s: %v", name, s.FailClosed)
			}
			r.alter(func() { harm(false) })
			time.Sleep(time.Minute)
			r.want(map[string]string{guard.Name: "1", forward: "1"})
			if s := r.status(); len(s.FailClosed) > 0 {
				t.Errorf("%s: still shut: %v", name, s.FailClosed)
			}
		}
	})
}

// Where nobody could look at the host, nobody knows whether the rules stand.
func TestFailsClosedWhereRulesAreUnknown(t *testing.T) {
	bubble(t, func(r *rig) {
		r.boot()
		r.start()
		r.stop()
		r.waits()
		r.Host.Undo = undoFails
		r.start()
		r.want(map[string]string{forward: "0"})
	})
}

func TestShutThatFails(t *testing.T) {
	bubble(t, func(r *rig) {
		r.boot()
		r.Host.StopForwarding = func(string) (bool, error) { return false, errors.New("read-only") }
		r.alter(func() { r.broken[guard.Name] = true })
		r.start()
		if r.logged("could not be switched off (read-only)") == 0 {
			t.Error(r.logs.String())
		}
	})
}

func TestAnObserverShutsNothing(t *testing.T) {
	bubble(t, func(r *rig) {
		r.boot()
		r.choose(func() { observe(&r.cfg.Settings) })
		r.Host.StopForwarding = func(key string) (bool, error) { t.Errorf("%s was switched off", key); return true, nil }
		r.start()
		r.want(map[string]string{forward: "1"})
	})
}

func TestReasonsAreCauses(t *testing.T) {
	if got := reasons(map[resource.ID]error{filter: errors.New("no iptables"), guard: errors.New("skipped, since " + filter.Name)}); got != `chain["ip/filter/X"]: no iptables` {
		t.Errorf("it is said: %s", got)
	}
}

func TestAKernelWithoutThatProtocol(t *testing.T) {
	if was, err := StopForwarding("net.none.forwarding"); was || err != nil {
		t.Errorf("%v, %v", was, err)
	}
}
