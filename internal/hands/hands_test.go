package hands_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"vpnd/internal/hands"
)

func TestEachPieceIsDoneOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 63, 64, 65, 1000, 4099} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			done := make([]atomic.Int32, n)
			hands.Each(context.Background(), n, func(i int) { done[i].Add(1) })
			for i := range done {
				if times := done[i].Load(); times != 1 {
					t.Errorf("piece %d was done %d times", i, times)
				}
			}
		})
	}
}

func TestTheEndOfAContextIsTheEndOfTheWork(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	const n = 100_000
	var done atomic.Int32
	hands.Each(ctx, n, func(int) {
		if done.Add(1) == 10 {
			cancel()
		}
	})
	if done.Load() >= n {
		t.Error("it went on to the end")
	}
}
