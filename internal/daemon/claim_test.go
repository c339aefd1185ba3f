package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
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
		if info, err := os.Stat(claimPath(r.RunDir)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("anybody could take the lock: %v, %v", info, err)
		}
		r.stop()
		if Runs(r.RunDir) {
			t.Error("it passes for running")
		}
	})
}

func TestRunFolderIsOpenWhateverTheUmask(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	dir := filepath.Join(t.TempDir(), "run")
	if err := makeRunDir(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
}

// Each removal of the file would cost a descriptor.
func TestOldClaimIsDropped(t *testing.T) {
	c, err := stake(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer c.drop()
	old, err := os.Open(claimPath(c.runDir))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := errors.Join(os.Remove(claimPath(c.runDir)), c.renew()); err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(old.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("the old lock is still held: %v", err)
	}
}
