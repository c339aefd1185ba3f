package daemon

import (
	"context"
	"testing"
	"time"

	"vpnd/internal/state"
)

// What moves while another vpnd is at work is that one's doing: nobody is told
// of it, and of what stays once it has ended everybody is.
func TestWhatAnotherVPNDDoesIsNoDrift(t *testing.T) {
	for _, mode := range []string{"enforce", "observe"} {
		t.Run(mode, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.start()
				if mode == "observe" {
					r.wish(map[string]string{"a": "1", "b": "1"}, observe)
					r.reload()
				}
				unlock, err := state.Lock(context.Background(), r.StateDir)
				if err != nil {
					t.Fatal(err)
				}
				r.touch("a", "2", "")
				r.touch("b", "2", "")
				time.Sleep(10 * time.Second)
				if n := r.logged("msg=\"resource drifted\""); n != 0 {
					t.Errorf("told %d times of another vpnd's doing:\n%s", n, r.logs.String())
				}
				r.touch("a", "1", "")
				unlock()
				time.Sleep(10 * time.Second)
				if n := r.logged("resource drifted\" id=thing.a"); n != 0 {
					t.Errorf("told %d times of what another vpnd has put right:\n%s", n, r.logs.String())
				}
				words := map[string]string{"enforce": "drift repaired\" id=thing.b", "observe": "resource drifted\" id=thing.b"}
				if n := r.logged(words[mode]); n != 1 {
					t.Errorf("what stays is told %d times:\n%s", n, r.logs.String())
				}
			})
		})
	}
}

// One that holds the lock for long hides nothing.
func TestDoubtEnds(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		unlock, err := state.Lock(context.Background(), r.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		r.touch("a", "2", "")
		time.Sleep(doubtful / 2)
		r.touch("a", "3", "")
		time.Sleep(doubtful)
		r.touch("a", "4", "")
		time.Sleep(time.Second)
		if n := r.logged("resource drifted\" id=thing.a"); n != 1 {
			t.Errorf("told %d times:\n%s", n, r.logs.String())
		}
	})
}
