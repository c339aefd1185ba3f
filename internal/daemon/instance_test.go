package daemon

import (
	"os"
	"path/filepath"
	"testing"

	"vpnd/internal/lock"
	"vpnd/internal/status"
)

func TestRunDirectoryThatIsRemovedIsMadeAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		lockFile := filepath.Join(r.RunDir, "daemon.lock")
		for _, gone := range []string{r.RunDir, lockFile, status.Path(r.RunDir)} {
			if err := os.RemoveAll(gone); err != nil {
				t.Fatal(err)
			}
			r.touch("a", "2", "")
			r.rest()
			if s := r.status(); !lock.AgentRuns(r.RunDir) || s.Stopped || len(s.Drift) > 0 {
				t.Errorf("%s was removed, and the agent does not pass for running: %+v", gone, s)
			}
			if err := Run(t.Context(), r.Options); err == nil {
				t.Error("a second daemon may run")
			}
		}
		if info, err := os.Stat(r.RunDir); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("the run directory: %v, %v", info, err)
		}
		if info, err := os.Stat(lockFile); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("anybody could take the lock: %v, %v", info, err)
		}
		r.stop()
		if lock.AgentRuns(r.RunDir) {
			t.Error("it passes for running")
		}
	})
}
