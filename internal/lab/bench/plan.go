package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/lab/office"
)

const (
	hostConfig = "/etc/vpnd"
	noChange   = "Nothing to do"
)

// converged is an error where vpnd has something to do, for then something else
// is measured.
func converged(stdout string, _ time.Duration) error {
	if !strings.Contains(stdout, noChange) {
		return errors.New("the plan is not empty")
	}
	return nil
}

func planOf(config string, more ...string) contender {
	return contender{argv: append([]string{"vpnd", "plan", "--config", config}, more...), check: converged}
}

func (b *bench) planOfHost() contender { return planOf(hostConfig, "--var", "remote="+office.Remote) }

func (b *bench) apply(ctx context.Context, config string, more ...string) error {
	_, err := b.host.Run(ctx, append([]string{"vpnd", "apply", "--yes", "--config", config}, more...)...)
	return err
}

// plan measures a plan of the first host without anything to do.
func (b *bench) plan(ctx context.Context) error {
	b.say("planning the host")
	medians, err := b.race(ctx, b.rounds, b.planOfHost())
	if err != nil {
		return err
	}
	const goal = 60 * time.Millisecond
	b.figure(figure{
		what: "plan of the host, nothing to do", vpnd: ms(medians[0]),
		goal: "≤ " + ms(goal), met: medians[0] <= goal,
	})
	kib, err := b.memory(ctx, 5, b.planOfHost())
	if err != nil {
		return err
	}
	const limit = 40 << 10
	b.figure(figure{
		what: "peak memory of that plan", vpnd: mebibytes(kib),
		goal: "< 40 MiB", met: kib < limit,
	})
	return nil
}

// memory returns the largest resident set of several runs, in KiB, of vpnd or a
// program that it started. GNU time stands between, because a child starts with
// the high-water mark of the program that forked it.
func (b *bench) memory(ctx context.Context, runs int, c contender) (kib int, err error) {
	report, err := os.CreateTemp("", "vpnd-bench-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(report.Name())
	defer report.Close()
	for range runs {
		cmd := b.host.Command(ctx, c.argv...)
		cmd.Path, cmd.Args = "/usr/bin/time", append([]string{"time", "--format=%M", "--output=" + report.Name()}, cmd.Args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("measuring the memory of %s: %w: %s", strings.Join(c.argv, " "), err, out)
		}
		text, err := os.ReadFile(report.Name())
		if err != nil {
			return 0, err
		}
		most, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return 0, fmt.Errorf("reading the memory of %s: %w", strings.Join(c.argv, " "), err)
		}
		kib = max(kib, most)
	}
	return kib, nil
}

// binary measures the size of the program.
func (b *bench) binary(context.Context) error {
	info, err := os.Stat(b.vpnd)
	if err != nil {
		return err
	}
	const limit = 25_000_000
	b.figure(figure{
		what: "size of the binary", vpnd: fmt.Sprintf("%.2f MB", float64(info.Size())/1e6),
		goal: "< 25 MB", met: info.Size() < limit,
	})
	return nil
}
