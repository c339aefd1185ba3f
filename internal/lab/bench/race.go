package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A contender is one way to do a thing on the host.
type contender struct {
	argv  []string
	input string                                        // on standard input
	reset func(context.Context) error                   // before each round, not measured; may be nil
	check func(stdout string, took time.Duration) error // of each round; may be nil
}

// race runs the contenders in turns, one warm-up round first, and returns the
// median time of each, without the way into the host.
func (b *bench) race(ctx context.Context, rounds int, contenders ...contender) ([]time.Duration, error) {
	times := make([][]time.Duration, len(contenders))
	for round := range rounds + 1 {
		for i, c := range contenders {
			took, err := b.once(ctx, c)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				times[i] = append(times[i], took)
			}
		}
	}
	medians := make([]time.Duration, len(contenders))
	for i := range times {
		medians[i] = max(median(times[i])-b.entry, 0)
	}
	return medians, nil
}

func (b *bench) once(ctx context.Context, c contender) (time.Duration, error) {
	if c.reset != nil {
		if err := c.reset(ctx); err != nil {
			return 0, err
		}
	}
	cmd := b.host.Command(ctx, c.argv...)
	cmd.Stdin = strings.NewReader(c.input)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err == nil && c.check != nil {
		err = c.check(stdout.String(), took)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s%s", strings.Join(c.argv, " "), err, stdout.String(), stderr.String())
	}
	return took, nil
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	middle := len(times) / 2
	if len(times)%2 == 1 {
		return times[middle]
	}
	return (times[middle-1] + times[middle]) / 2
}

// door measures the way into the host's namespaces, which nobody has who works
// on the host itself.
func (b *bench) door(ctx context.Context) error {
	medians, err := b.race(ctx, b.rounds, contender{argv: []string{"true"}})
	if err != nil {
		return err
	}
	b.entry = medians[0]
	b.remark("The way into the lab host, %s (nsenter and true), is taken off every time.", ms(b.entry))
	return nil
}
