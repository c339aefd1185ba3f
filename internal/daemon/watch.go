package daemon

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// watchers are the kinds' eyes, one goroutine a kind.
type watchers struct {
	wg   sync.WaitGroup
	eyes map[string]eye // by kind
}

type eye struct {
	wants map[string]any
	close context.CancelFunc
}

// watch has every kind that can watch what is wished of it; those that would
// miss nothing are left alone.
func (a *agent) watch(ctx context.Context, present []resource.Resource) {
	wants := make(map[string]map[string]any)
	for _, r := range present {
		if wants[r.ID.Kind] == nil {
			wants[r.ID.Kind] = make(map[string]any)
		}
		wants[r.ID.Kind][r.ID.Name] = r.Want
	}
	w := &a.watchers
	if w.eyes == nil {
		w.eyes = make(map[string]eye)
	}
	for kind, old := range w.eyes {
		k, known := a.Catalog.Kind(kind)
		if !known || k.Misses(old.wants, wants[kind]) {
			old.close()
			delete(w.eyes, kind)
		}
	}
	for kind, wants := range wants {
		k, known := a.Catalog.Kind(kind)
		if _, watched := w.eyes[kind]; watched || !known {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		w.eyes[kind] = eye{wants: wants, close: cancel}
		w.wg.Go(func() {
			a.listen(ctx, kind, func(ctx context.Context, kick func(resource.Hint)) error { return k.Watch(ctx, wants, kick) })
		})
	}
}

func (w *watchers) stop() {
	for _, e := range w.eyes {
		e.close()
	}
	w.wg.Wait()
}

// watchState hears of a wish or a hold that another vpnd puts in place.
func (a *agent) watchState(ctx context.Context) {
	var paths []string
	for _, name := range []string{"wish.json", "hold.json", "pending.json"} {
		paths = append(paths, filepath.Join(a.StateDir, name))
	}
	a.watchers.wg.Go(func() {
		a.listen(ctx, "state", func(ctx context.Context, kick func(resource.Hint)) error {
			return a.Files(ctx, paths, func() { kick(resource.Hint{}) })
		})
	})
}

// Files returns what hears of changes of files by inotify(7), with an instance that
// others may share; see [Options].
func Files(ear *notice.Ear) func(ctx context.Context, paths []string, kick func()) error {
	return func(ctx context.Context, paths []string, kick func()) error {
		return notice.Files{Root: "/", Paths: paths, Begin: kick, Changed: func(string, string) { kick() }, Ear: ear}.Listen(ctx)
	}
}

const (
	soonest    = time.Second // a lost watcher is started again after so long, then twice as long
	latest     = time.Minute
	longLasted = time.Minute // one that held for so long is started again soon
)

// listen keeps one watcher going. A watcher kicks by itself once it hears. One
// that failed has missed what may concern more than its kind: then the look is at
// everything, at once and when it hears again.
func (a *agent) listen(ctx context.Context, what string, watch func(context.Context, func(resource.Hint)) error) {
	kick := a.inbox.put
	for pause := soonest; ; pause = min(2*pause, latest) {
		begun := time.Now()
		err := watch(ctx, kick)
		if ctx.Err() != nil || err == nil {
			return
		}
		a.Log.Warn("events were lost; looking everywhere and listening again", "kind", what, "error", err)
		a.inbox.put(resource.Hint{})
		kick = firstEverywhere(a.inbox.put)
		if time.Since(begun) > longLasted {
			pause = soonest
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
