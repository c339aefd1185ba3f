package daemon

import (
	"os"
	"testing"
)

func TestRunFolderThatIsRemovedIsMadeAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		for _, gone := range []string{r.RunDir, claimPath(r.RunDir), statusPath(r.RunDir)} {
			if err := os.RemoveAll(gone); err != nil {
				t.Fatal(err)
			}
			r.touch("a", "2", "")
			r.rest()
			if s := r.status(); !Runs(r.RunDir) || s.Stopped || len(s.Drift) > 0 {
				t.Errorf("%s was removed, and the agent does not pass for running: %+v", gone, s)
			}
			if err := Run(t.Context(), r.Options); err == nil {
				t.Error("a second daemon may run")
			}
		}
		if info, err := os.Stat(r.RunDir); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("the run folder: %v, %v", info, err)
		}
		r.stop()
		if Runs(r.RunDir) {
			t.Error("it passes for running")
		}
	})
}
