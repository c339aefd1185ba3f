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
// median time of each. The way into the host's namespaces runs along and is
// taken off: nobody has it who works on the host itself.
func (b *bench) race(ctx context.Context, rounds int, contenders ...contender) ([]time.Duration, error) {
	contenders = append(contenders, contender{argv: []string{"true"}})
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
		medians[i] = median(times[i])
	}
	way := len(medians) - 1
	for i := range medians {
		medians[i] -= min(medians[i], medians[way])
	}
	return medians[:way], nil
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
		return 0, fmt.Errorf("%s: %w\n%s", strings.Join(c.argv, " "), err, tail(stdout.String()+stderr.String()))
	}
	return took, nil
}

// tail keeps the end of what a program said, which may be very much.
func tail(text string) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "")
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	middle := len(times) / 2
	if len(times)%2 == 1 {
		return times[middle]
	}
	return (times[middle-1] + times[middle]) / 2
}
