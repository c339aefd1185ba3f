package notice

import (
	"context"
	"sync"
)

// A Listener listens until ctx ends and then returns nil. It calls begin once
// it listens, and again whenever something was lost.
type Listener func(ctx context.Context, begin func()) error

// Together has several listen, the first one on the calling goroutine, until
// ctx ends or one of them fails. It calls begin once all listen, and then
// whenever one of them begins again.
func Together(ctx context.Context, begin func(), all ...Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	waiting := len(all)
	var others sync.WaitGroup
	run := func(listen Listener) {
		begun := false
		err := listen(ctx, func() {
			mu.Lock()
			defer mu.Unlock()
			if !begun {
				begun = true
				waiting--
			}
			if waiting == 0 {
				begin()
			}
		})
		if err != nil {
			cancel(failure{err})
		}
	}
	for _, listen := range all[1:] {
		others.Go(func() { run(listen) })
	}
	run(all[0])
	others.Wait()
	if f, ok := context.Cause(ctx).(failure); ok {
		return f.error
	}
	return nil
}

// failure tells a listener's error from the end of the context.
type failure struct{ error }
