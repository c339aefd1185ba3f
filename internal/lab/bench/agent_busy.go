package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	slowUnit = "bench-slow.service"
	slowGate = "/run/bench-slow" // the service starts for as long as this is there
)

// agentSlow is a service whose start takes as long as the bench wants.
const agentSlow = `
file "/etc/systemd/system/` + slowUnit + `" {
  content = "[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=90\nExecStart=/bin/sh -c 'while test -e ` + slowGate + `; do sleep 0.05; done'\n"
}
unit "` + slowUnit + `" {
  active     = true
  depends_on = [file["/etc/systemd/system/` + slowUnit + `"]]
}
`

// few is how many trials there are of what takes seconds each.
func (b *bench) few() int { return min(b.trials, 40) }

// repairsMeanwhile times the repair of rules while the agent waits for a service
// to start.
func (b *bench) repairsMeanwhile(ctx context.Context, e *eye) error {
	b.say("%d repairs of rules while a service starts", b.few())
	flushed := e.drifts()[0]
	var times []time.Duration
	for trial := range b.few() {
		if trial%2 == 0 {
			if err := b.forgive(ctx); err != nil {
				return err
			}
		}
		took, err := b.whileStarting(ctx, func() (time.Duration, error) { return flushed.time(ctx, trial) })
		if err != nil {
			return fmt.Errorf("while a service starts, trial %d: %w", trial, err)
		}
		times = append(times, took)
	}
	b.repaired(flushed.what+" while a service starts", times)
	return nil
}

// whileStarting stops the slow service, and has it start until do is done.
func (b *bench) whileStarting(ctx context.Context, do func() (time.Duration, error)) (time.Duration, error) {
	const until = `for i in $(seq 200); do test $(systemctl show -P ActiveState ` + slowUnit + `) = %s && exit 0; sleep 0.02; done; exit 1`
	if _, err := b.host.Run(ctx, "sh", "-ec", "touch "+slowGate+"; systemctl stop "+slowUnit+"; "+fmt.Sprintf(until, "activating")); err != nil {
		return 0, err
	}
	if err := pause(ctx, 200*time.Millisecond); err != nil {
		return 0, err
	}
	took, err := do()
	if err != nil {
		return 0, err
	}
	if _, err := b.host.Run(ctx, "sh", "-ec", "rm "+slowGate+"; "+fmt.Sprintf(until, "active")); err != nil {
		return 0, err
	}
	return took, pause(ctx, time.Second)
}

// repaired tells how long repairs took.
func (b *bench) repaired(what string, times []time.Duration) {
	slices.Sort(times)
	const goal = 250 * time.Millisecond
	p99 := times[(len(times)*99+99)/100-1]
	b.figure(figure{
		what: "repair of " + what, vpnd: ms(median(times)) + ", p99 " + ms(p99),
		goal: "p99 < " + ms(goal), met: p99 < goal,
	})
}

// repairsBeside times the repair of a flushed filter table by an agent that
// keeps many clients as well. They are filter rules, which no flapping makes the
// agent give up, so that it need not forget repairs in between.
func (b *bench) repairsBeside(ctx context.Context) error {
	b.say("starting an agent of %d clients", b.clients)
	const chain = "chain \"ip/filter/VPND-BENCH\" {\n  hook = \"FORWARD\"\n  rules = [\"-s 10.9.0.0/16 -j ACCEPT\"]\n}\n"
	if err := b.host.WriteFile(ctx, agentConfig, []byte(chain), 0o600); err != nil {
		return err
	}
	if _, err := b.host.Run(ctx, "cp", clientsConfig, "/etc/vpnd/"); err != nil {
		return err
	}
	if err := b.startAgent(ctx); err != nil {
		return err
	}
	eye, err := openEye(b.host)
	if err != nil {
		return err
	}
	defer eye.close()
	flushed := eye.drifts()[0]
	var times []time.Duration
	for trial := range b.few() {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		took, err := flushed.time(ctx, 1) // by nft, the table filter
		if err != nil {
			return fmt.Errorf("beside many clients, trial %d: %w", trial, err)
		}
		times = append(times, took)
	}
	b.repaired(fmt.Sprintf("filter rules beside %d clients", b.clients), times)
	_, err = b.host.Run(ctx, "systemctl", "stop", "vpnd")
	return err
}
