package system

import (
	"os/exec"
	"testing"
)

// A tracer leaves the children of others to those who wait for them, also where
// its own thread has started them.
func TestTracerLeavesTheChildrenOfOthers(t *testing.T) {
	traced := exec.Command("sleep", "0.3")
	if err := traced.Start(); err != nil {
		t.Fatal(err)
	}
	var other *exec.Cmd
	tr := newTracer(0)
	err := tr.run(func() error {
		other = exec.Command("true")
		if err := other.Start(); err != nil {
			return err
		}
		return tr.attach(traced.Process.Pid)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err != nil {
		t.Errorf("somebody else waited for it: %v", err)
	}
}
