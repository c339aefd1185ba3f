package unit

import (
	"context"
	"sync/atomic"
)

// Systemd reads all unit files where it reads any, runs all generators for it, and
// answers nobody meanwhile: so units that are on their way side by side share a
// reading, lest the last of them waits for one of each of the others.

// sharing is the verbs for such units.
func (v Verbs) sharing() Verbs {
	if v.Connect == nil {
		return v
	}
	connect, all := v.Connect, &readings{turn: make(chan struct{}, 1)}
	v.Connect = func(ctx context.Context) (Manager, error) {
		m, err := connect(ctx)
		if err != nil {
			return nil, err
		}
		return reader{m, all}, nil
	}
	return v
}

// A reader is a manager whose readings are shared.
type reader struct {
	Manager
	all *readings
}

// Reload makes systemd read its unit files again, unless a reading that began later
// than this call did so.
func (r reader) Reload(ctx context.Context) error { return r.all.one(ctx, r.Manager.Reload) }

// readings happen one after the other.
type readings struct {
	begun atomic.Int64
	turn  chan struct{} // is full while one goes on
	last  error         // what became of the last one; whose turn it is may look
}

func (r *readings) one(ctx context.Context, read func(context.Context) error) error {
	asked := r.begun.Load()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if r.begun.Load() == asked {
		r.begun.Add(1)
		r.last = read(ctx)
	}
	return r.last
}
