// Package hands shares work among the processors.
package hands

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// atOnce is how many pieces a hand takes at once, so that hands do not wait for each
// other where a piece is small, nor for the last one where there are few.
const atOnce = 16

// Each calls do for each number below n, from as many goroutines as there are
// processors, until ctx ends.
func Each(ctx context.Context, n int, do func(i int)) {
	var next atomic.Int64
	var hands sync.WaitGroup
	many := min(runtime.GOMAXPROCS(0), n)
	step := max(1, min(atOnce, n/max(1, 4*many)))
	for range many {
		hands.Go(func() {
			for ctx.Err() == nil {
				end := int(next.Add(int64(step)))
				for i := end - step; i < min(end, n) && ctx.Err() == nil; i++ {
					do(i)
				}
				if end >= n {
					return
				}
			}
		})
	}
	hands.Wait()
}
