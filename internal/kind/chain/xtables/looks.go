package xtables

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"

	"vpnd/internal/kind/chain/kernel"
)

// Looks remembers what iptables-save printed last, with the state of the kernel
// that it was printed of. A plan, the look before its apply and the apply itself
// ask for the same, and of ten thousand rules each would take a good part of
// what writing them does. Its zero value is ready; nil remembers nothing. It is
// for one network namespace.
type Looks struct {
	mu   sync.Mutex
	last map[string]glance // by program
	seed maphash.Seed
}

type glance struct {
	stamp string
	text  string
}

// stamp says in a word which rules there are; it changes with them.
func (l *Looks) stamp(t *Tool) (string, error) {
	if t.Backend == kernel.NFT {
		n, err := kernel.Generation()
		return fmt.Sprint(n), err
	}
	if l.seed == (maphash.Seed{}) {
		l.seed = maphash.MakeSeed()
	}
	prints, err := kernel.Fingerprints(l.seed)
	if err != nil {
		return "", err
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(prints)) {
		all = append(all, fmt.Sprintf("%s %x", name, prints[name]))
	}
	return fmt.Sprint(all), nil
}

// save returns what iptables-save prints, from memory where no rule has changed
// since. The kernel is asked first: what changes meanwhile is read the next time.
func (l *Looks) save(ctx context.Context, t *Tool, read func() (string, error)) (string, error) {
	if l == nil {
		return read()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	stamp, err := l.stamp(t)
	if err != nil {
		return read()
	}
	if last, ok := l.last[t.Save]; ok && last.stamp == stamp {
		return last.text, ctx.Err()
	}
	text, err := read()
	if err != nil {
		delete(l.last, t.Save)
		return "", err
	}
	if l.last == nil {
		l.last = make(map[string]glance)
	}
	l.last[t.Save] = glance{stamp: stamp, text: text}
	return text, nil
}
