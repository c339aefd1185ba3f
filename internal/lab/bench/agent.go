package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"vpnd/internal/lab/office"
	"vpnd/internal/status"
)

const (
	agentConfig = "/etc/vpnd/bench.hcl"
	agentFile   = "/etc/bench.conf"
	agentTun    = "tun7"
	agentUnit   = "bench.service"
)

// agentAlso is what the host of the agent has besides the office: things whose
// repair restarts nothing, so that it alone is measured.
const agentAlso = `
tun "` + agentTun + `" {
  addresses = ["10.77.0.1/24"]
  mtu       = 1400
}
file "` + agentFile + `" {
  content = "mine\n"
  mode    = "0644"
}
file "/etc/systemd/system/` + agentUnit + `" {
  content = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
}
unit "` + agentUnit + `" {
  active     = true
  depends_on = [file["/etc/systemd/system/` + agentUnit + `"]]
}
`

// agent measures the agent on the first host: repairs, then what it takes while
// nothing happens.
func (b *bench) agent(ctx context.Context) error {
	b.say("starting the agent on the host")
	if err := b.host.WriteFile(ctx, agentConfig, []byte(agentAlso+agentSlow), 0o600); err != nil {
		return err
	}
	if err := b.startAgent(ctx); err != nil {
		return err
	}
	if err := b.repairs(ctx); err != nil {
		return err
	}
	b.remark("The share of a core of an idle agent is what it takes in %.1f minutes without a change, with the programs that it runs, and "+
		"besides one look every five minutes, as by default. Memory is its resident set at the end, after the repairs.", b.minutes)
	return b.idle(ctx, "on the host", 0.1, 30<<10)
}

// agentOfMany measures an idle agent that looks after ten thousand rules.
func (b *bench) agentOfMany(ctx context.Context) error {
	const count = 10_000
	b.say("starting an agent with %d rules", count)
	var rules strings.Builder
	for i := range count {
		fmt.Fprintf(&rules, "    \"-s 10.%d.%d.0/24 -p tcp --dport %d -j ACCEPT\",\n", i/256, i%256, 1+i)
	}
	config := "chain \"ip/filter/VPND-BENCH\" {\n  hook = \"FORWARD\"\n  rules = [\n" + rules.String() + "  ]\n}\n"
	if err := b.host.WriteFile(ctx, agentConfig, []byte(config), 0o600); err != nil {
		return err
	}
	if err := b.startAgent(ctx); err != nil {
		return err
	}
	if err := b.idle(ctx, "with 10,000 rules", 0.5, 0); err != nil {
		return err
	}
	_, err := b.host.Run(ctx, "sh", "-ec", "systemctl stop vpnd; vpnd destroy --yes") // the next part has its own wishes
	return err
}

// startAgent starts the unit as it is shipped; systemctl returns once the agent
// is ready. Files that were written since the last apply it takes with a reload.
func (b *bench) startAgent(ctx context.Context) error {
	unit, err := os.ReadFile("packaging/vpnd.service")
	if err != nil {
		return err
	}
	if err := b.host.WriteFile(ctx, "/etc/systemd/system/vpnd.service", unit, 0o644); err != nil {
		return err
	}
	if err := b.host.WriteFile(ctx, "/etc/default/vpnd", []byte("VPND_VAR_remote="+office.Remote+"\n"), 0o600); err != nil {
		return err
	}
	_, err = b.host.Run(ctx, "sh", "-ec", "systemctl daemon-reload; systemctl start vpnd; systemctl reload vpnd")
	return err
}

// repairs times every kind of drift that the agent hears of, in turns.
func (b *bench) repairs(ctx context.Context) error {
	b.say("%d repairs of each kind", b.trials)
	eye, err := openEye(b.host)
	if err != nil {
		return err
	}
	defer eye.close()
	drifts := eye.drifts()
	times := make([][]time.Duration, len(drifts))
	for trial := range b.trials {
		if trial%2 == 0 { // flap damping lets three repairs of a thing pass
			if err := b.forgive(ctx); err != nil {
				return err
			}
		}
		for i, d := range drifts {
			// At rest, and at no fixed distance from what was before.
			if err := pause(ctx, 50*time.Millisecond+rand.N(100*time.Millisecond)); err != nil {
				return err
			}
			start := time.Now()
			took, err := d.time(ctx, trial)
			if err == nil {
				err = b.rests(ctx, start)
			}
			if err != nil {
				return fmt.Errorf("%s, trial %d: %w", d.what, trial, err)
			}
			times[i] = append(times[i], took)
		}
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	for i, d := range drifts {
		b.repaired(d.what, times[i])
	}
	if err := b.repairsMeanwhile(ctx, eye); err != nil {
		return err
	}
	b.remark("Repairs by the agent as packaged, %d of each kind, kinds in turns: from before the program that changes something is started "+
		"to the first look, once a millisecond, that finds it as before. Rules are flushed by iptables and by nft. A unit is back when "+
		"systemd starts it; what it takes to start is its own, "+
		"as are the 1.5 seconds for which the agent watches a service that it has started. The agent is told to reload after every second round, which makes it "+
		"forget repairs, or it would take the rounds for flapping. Load averages of the machine at the end of it: %s.", b.trials, strings.Join(strings.Fields(string(load))[:3], ", "))
	return nil
}

// forgive has the agent reload and waits until it has.
func (b *bench) forgive(ctx context.Context) error {
	before, err := b.status()
	if err != nil {
		return err
	}
	if _, err := b.host.Run(ctx, "systemctl", "reload", "vpnd"); err != nil {
		return err
	}
	return b.lookAfter(ctx, before.Reconcile.Time)
}

// lookAfter waits for a look that begins after another one.
func (b *bench) lookAfter(ctx context.Context, last time.Time) error {
	return b.await(ctx, "look again", func(s *status.Status) bool { return s.Reconcile.Time.After(last) })
}

// rests waits for a repair that began after start, and the look that follows it.
func (b *bench) rests(ctx context.Context, start time.Time) error {
	return b.await(ctx, "come to rest", func(s *status.Status) bool {
		return s.Apply != nil && s.Apply.Time.After(start) && s.Reconcile.Time.After(s.Apply.Time)
	})
}

func (b *bench) await(ctx context.Context, what string, so func(*status.Status) bool) error {
	for range 6000 {
		s, err := b.status()
		if err != nil {
			return err
		}
		if so(s) {
			return nil
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("the agent does not %s within half a minute", what)
}

// status is what the agent tells. The way leads into the host by a link of proc(5)
// that only the kernel can follow.
func (b *bench) status() (*status.Status, error) {
	data, err := os.ReadFile(b.within(status.Path("/run/vpnd")))
	if err != nil {
		return nil, err
	}
	var s status.Status
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	if s.Reconcile == nil {
		return nil, errors.New("the agent tells nothing")
	}
	return &s, nil
}

func (b *bench) within(path string) string { return fmt.Sprintf("/proc/%d/root%s", b.host.PID(), path) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
