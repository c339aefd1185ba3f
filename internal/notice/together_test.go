package notice_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/notice"
)

// listener begins after a while, and again where it is told to, and fails at last.
func listener(after, again time.Duration, fails error) notice.Listener {
	return func(ctx context.Context, begin func()) error {
		for _, wait := range []time.Duration{after, again} {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(wait):
				begin()
			}
		}
		if fails == nil {
			<-ctx.Done()
		}
		return fails
	}
}

// Who begins before all listen would miss what the last one does not hear yet.
func TestTogetherBeginsOnceAllListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		var begun []time.Duration
		err := notice.Together(ctx, func() { begun = append(begun, time.Since(start)) }, listener(time.Second, 9*time.Second, nil), listener(3*time.Second, 30*time.Second, nil))
		if err != nil || len(begun) != 3 || begun[0] != 3*time.Second || begun[1] != 10*time.Second || begun[2] != 33*time.Second {
			t.Errorf("begun after %v: %v", begun, err)
		}
	})
}

func TestTogetherEndsWithTheFirstThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := errors.New("deaf")
		start := time.Now()
		for _, all := range [][]notice.Listener{
			{listener(time.Second, time.Second, deaf), listener(time.Second, time.Hour, nil)},
			{listener(time.Second, time.Hour, nil), listener(time.Second, time.Second, deaf)},
		} {
			if err := notice.Together(t.Context(), func() {}, all...); !errors.Is(err, deaf) {
				t.Errorf("it ended with %v", err)
			}
		}
		if took := time.Since(start); took != 4*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
