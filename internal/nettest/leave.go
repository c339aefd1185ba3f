package nettest

import (
	"os"
	"testing"
)

// CI says whether a change is judged by this run, which then leaves no test out.
func CI() bool { return os.Getenv("CI") == "true" }

// LeaveOut skips a test for want of something, and fails it where [CI] says so: a gate
// that passes without having looked is none.
func LeaveOut(t testing.TB, why string) {
	t.Helper()
	if CI() {
		t.Fatalf("%s; where CI is true no test is left out", why)
	}
	t.Skip(why)
}

// Root leaves a test out that only root can run, in the sense of [LeaveOut].
func Root(t testing.TB, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		LeaveOut(t, "needs root, "+why)
	}
}
