package xtables

import (
	"maps"
	"os/exec"
	"sync"
	"time"
)

// Writers remembers the programs that vpnd started to write rules, so that a
// watcher doesn't take their work for that of others. Its zero value is ready,
// and nil remembers nothing.
type Writers struct {
	mu    sync.Mutex
	ended map[int]time.Time // by process number; zero while it runs
	wrote chan struct{}     // has one when a program has ended
}

// remembered is how long after its end a program is remembered. The kernel tells of
// its work before that; later the number may be somebody else's.
const remembered = time.Second

// Run runs a program. Nobody is told that it is unknown before it is
// remembered.
func (w *Writers) Run(cmd *exec.Cmd) error {
	if w == nil {
		return cmd.Run()
	}
	w.mu.Lock()
	err := cmd.Start()
	if err == nil {
		w.remember(cmd.Process.Pid)
	}
	w.mu.Unlock()
	if err != nil {
		return err
	}
	err = cmd.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended[cmd.Process.Pid] = time.Now()
	select {
	case w.wrote <- struct{}{}:
	default:
	}
	return err
}

func (w *Writers) remember(pid int) {
	if w.ended == nil {
		w.ended = make(map[int]time.Time)
	}
	maps.DeleteFunc(w.ended, func(_ int, at time.Time) bool { return past(at) })
	w.ended[pid] = time.Time{}
}

func past(ended time.Time) bool { return !ended.IsZero() && time.Since(ended) > remembered }

// Own says whether the process is one of vpnd's, or was just now.
func (w *Writers) Own(pid int) bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	ended, ok := w.ended[pid]
	return ok && !past(ended)
}

// Events receives when vpnd has written.
func (w *Writers) Events() <-chan struct{} {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrote == nil {
		w.wrote = make(chan struct{}, 1)
	}
	return w.wrote
}
