package unit

import (
	"context"
	"fmt"
	"time"
)

// settle is how long a service is watched after its start. OpenVPN and charon
// give up on a bad configuration well within it.
const settle = 1500 * time.Millisecond

// start runs a job after which the unit is up, and watches whether it stays: a
// job that is done only says that a process was started. The error repeats the
// last words of the program.
func (v Verbs) start(ctx context.Context, m Manager, s state, want Unit, job Job) error {
	l := v.listen(s.id, want.Log)
	if err := v.up(ctx, m, s, job); err != nil {
		return l.add(ctx, err)
	}
	return nil
}

func (v Verbs) up(ctx context.Context, m Manager, s state, job Job) error {
	if s.masked() {
		return fmt.Errorf("the unit is masked, and so can't be started; add enabled = true, which lifts the mask, or run: systemctl unmask %s", s.id)
	}
	if s.active == "failed" || s.active == "activating" {
		// It may have failed too often to be started again, and is repaired now.
		if err := m.ResetFailed(ctx, s.id); err != nil {
			return fmt.Errorf("forgetting its failures: %w", err)
		}
	}
	now, result, err := yielding(ctx, m, job, s)
	if err == nil && result != "done" && now.result == limit {
		// Somebody stopped and started it too often. Once is no help to those
		// who would do so for ever: how often vpnd repairs is bounded.
		if err := m.ResetFailed(ctx, s.id); err != nil {
			return fmt.Errorf("forgetting its starts: %w", err)
		}
		now, result, err = run(ctx, m, job, s.id)
	}
	if err != nil {
		return err
	}
	if result == canceled || result == opposed {
		return fmt.Errorf("%sing it: somebody else keeps stopping it, and the unit is %s; see: journalctl -u %s", gerund(job), now, s.id)
	}
	if result != "done" {
		return fmt.Errorf("%sing it: the job ended with %q, and the unit is %s; see: journalctl -u %s", gerund(job), result, now, s.id)
	}
	return v.stays(ctx, m, now)
}

// run runs a job and looks what the unit is afterwards.
func run(ctx context.Context, m Manager, job Job, name string) (now state, result string, err error) {
	if result, err = m.Run(ctx, job, name); err != nil {
		return now, "", fmt.Errorf("%sing it: %w", gerund(job), err)
	}
	now, err = look(ctx, m, name)
	return now, result, err
}

func gerund(job Job) string {
	if job == Stop {
		return "stopp"
	}
	return string(job)
}

// stays watches a unit for a while and is an error where it ends meanwhile.
func (v Verbs) stays(ctx context.Context, m Manager, first state) error {
	name := first.id
	full := v.Settle
	if full == 0 {
		full = settle
	}
	deadline := time.Now().Add(first.settling(full))
	for now := first; ; {
		if !now.running() || now.restarts != first.restarts {
			hint := ""
			if now.kind == "oneshot" && now.result == "success" {
				hint = "; it is a oneshot that ends by design, so leave active out"
			}
			return fmt.Errorf("it was started and did not stay up: it is %s after %d restarts; see: journalctl -u %s%s", now, now.restarts, name, hint)
		}
		if !time.Now().Before(deadline) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(full / 15):
		}
		var err error
		if now, err = look(ctx, m, name); err != nil {
			return err
		}
	}
}

// stop ends a unit that isn't quite ended, one that systemd keeps restarting
// too.
func (v Verbs) stop(ctx context.Context, m Manager, s state) error {
	if s.active == "inactive" || s.active == "failed" {
		return nil
	}
	result, err := m.Run(ctx, Stop, s.id)
	if err != nil {
		return fmt.Errorf("%sing it: %w", gerund(Stop), err)
	}
	if result != "done" {
		return fmt.Errorf("%sing it: the job ended with %q; see: journalctl -u %s", gerund(Stop), result, s.id)
	}
	return nil
}
