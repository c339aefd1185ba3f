package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"vpnd/internal/resource"
)

// Watchers are kept going: the kinds' own, one goroutine a kind, and what else
// there is to hear of.
type Watchers struct {
	catalog resource.Catalog
	queue   *Queue
	log     *slog.Logger
	running sync.WaitGroup
	kinds   map[string]watcher
}

type watcher struct {
	wants map[string]any // what it watches
	end   context.CancelFunc
}

// A Func watches until ctx ends and then returns nil. It kicks once it hears, and
// then whenever something happens.
type Func func(ctx context.Context, kick func(resource.Hint)) error

// NewWatchers returns watchers that give their hints to a queue.
func NewWatchers(c resource.Catalog, q *Queue, log *slog.Logger) *Watchers {
	return &Watchers{catalog: c, queue: q, log: log, kinds: make(map[string]watcher)}
}

// Watch has every kind that can watch what is wished of it; those that would miss
// nothing are left alone.
func (w *Watchers) Watch(ctx context.Context, present []resource.Resource) {
	wants := make(map[string]map[string]any)
	for _, r := range present {
		if wants[r.ID.Kind] == nil {
			wants[r.ID.Kind] = make(map[string]any)
		}
		wants[r.ID.Kind][r.ID.Name] = r.Want
	}
	for kind, old := range w.kinds {
		k, known := w.catalog.Kind(kind)
		if !known || k.Misses(old.wants, wants[kind]) {
			old.end()
			delete(w.kinds, kind)
		}
	}
	for kind, wants := range wants {
		k, known := w.catalog.Kind(kind)
		if _, watched := w.kinds[kind]; watched || !known {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		w.kinds[kind] = watcher{wants: wants, end: cancel}
		w.Keep(ctx, kind, func(ctx context.Context, kick func(resource.Hint)) error { return k.Watch(ctx, wants, kick) })
	}
}

// Stop ends the watchers of the kinds, and waits for all: those of Keep end with
// their context.
func (w *Watchers) Stop() {
	for _, one := range w.kinds {
		one.end()
	}
	w.running.Wait()
}

// How soon a watcher that failed is started again: then twice as late, up to the
// longest pause. One that held for long is started again soon.
const (
	FirstRestart   = time.Second
	longestRestart = time.Minute
	longLasted     = time.Minute
)

// Keep keeps one watcher going, beside the caller; what names it in the log. A
// watcher kicks by itself once it hears. One that failed has missed what may
// concern more than its kind: then everything is looked at, at once and when it
// hears again.
func (w *Watchers) Keep(ctx context.Context, what string, watch Func) {
	w.running.Go(func() { w.keep(ctx, what, watch) })
}

func (w *Watchers) keep(ctx context.Context, what string, watch Func) {
	kick := w.queue.Put
	for pause := FirstRestart; ; pause = min(2*pause, longestRestart) {
		begun := time.Now()
		err := watch(ctx, kick)
		if ctx.Err() != nil || err == nil {
			return
		}
		w.log.Warn("events were lost; reconciling everything and watching again", "kind", what, "error", err)
		w.queue.Put(resource.Hint{})
		kick = firstEverywhere(w.queue.Put)
		if time.Since(begun) > longLasted {
			pause = FirstRestart
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// firstEverywhere kicks everywhere in place of the first hint.
func firstEverywhere(kick func(resource.Hint)) func(resource.Hint) {
	var first sync.Once
	return func(h resource.Hint) {
		first.Do(func() { h = resource.Hint{} })
		kick(h)
	}
}
