package chain

import (
	"os/exec"
	"slices"
	"sync"
)

// Writers remembers the programs that vpnd started to write rules, so that
// their work isn't taken for that of others. Its zero value is ready.
type Writers struct {
	mu   sync.Mutex
	last [32]int // process numbers, the oldest overwritten first
	next int
}

// start starts a program. Nobody is told that it is unknown before it is
// remembered.
func (w *Writers) start(cmd *exec.Cmd) error {
	if w == nil {
		return cmd.Start()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	w.last[w.next] = cmd.Process.Pid
	w.next = (w.next + 1) % len(w.last)
	return nil
}

func (w *Writers) wrote(pid int) bool {
	if w == nil || pid <= 0 {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.last[:], pid)
}
