package confirm

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A Probe is one sign that a host can still be reached.
type Probe struct {
	Name string // as in "the gateway 192.0.2.1 answers a ping"
	Try  func(context.Context) error
}

// After an apply each probe is tried every second for six seconds, and is lost
// where it fails three times in a row: within ten seconds it is known.
const (
	rounds   = 6
	enough   = 3
	interval = time.Second
	tryTime  = time.Second
)

// Working returns the probes that succeed now, tried twice where need be: the
// first packet to a neighbour may wait for its address.
func Working(ctx context.Context, probes []Probe) []Probe {
	var works []Probe
	first := try(ctx, probes)
	second := try(ctx, probes)
	for i, p := range probes {
		if first[i] == nil || second[i] == nil {
			works = append(works, p)
		}
	}
	return works
}

// Watch tries probes that worked before a change. The error says which one is
// lost.
func Watch(ctx context.Context, probes []Probe) error {
	misses := make([]int, len(probes))
	missing := false
	tick := time.NewTicker(interval) // the time that a round takes is part of it
	defer tick.Stop()
	for round := 0; round < rounds || missing && round < rounds+enough; round++ {
		if round > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
		missing = false
		for i, err := range try(ctx, probes) {
			if err == nil {
				misses[i] = 0
				continue
			}
			missing = true
			if misses[i]++; misses[i] == enough {
				return fmt.Errorf("before the apply %s, and now not: %w", probes[i].Name, err)
			}
		}
	}
	return nil
}

// try tries all probes at the same time.
func try(ctx context.Context, probes []Probe) []error {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	errs := make([]error, len(probes))
	var wg sync.WaitGroup
	for i, p := range probes {
		wg.Go(func() { errs[i] = p.Try(ctx) })
	}
	wg.Wait()
	return errs
}

// Probes returns what may tell that this host can be reached: its default
// gateways, the SSH session that vpnd was called from with its peer and its
// server, and what else listens, apart from what leaves names because it is
// meant to change. Which of them do is for [Working] to say.
func Probes(ctx context.Context, leaves func(Listener) bool) []Probe {
	probes := gateways()
	session, ok := sshSession()
	if ok {
		probes = append(probes, session.probe(), pingProbe("the SSH client", session.peer.Addr()))
	}
	server := sshServer(session, ok)
	others := slices.DeleteFunc(Listeners(), func(l Listener) bool { return l.At.Port() == server.Port() || leaves(l) })
	return append(append(probes, sshProbe(server)), serviceProbes(ctx, others)...)
}
