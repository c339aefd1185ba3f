package atomic

import (
	"io/fs"
	"testing"
	"time"
)

// A directory holds the same names as long as it stays as it was, if it had been so for
// a while when it was looked at.
func TestADirectoryThatStaysHoldsTheSame(t *testing.T) {
	now := time.Now()
	for what, c := range map[string]struct {
		info  Info
		holds bool
	}{
		"a directory at rest":            {Info{Mode: fs.ModeDir | 0o700, Changed: now.Add(-3 * time.Second)}, true},
		"one that changed just now":      {Info{Mode: fs.ModeDir | 0o700, Changed: now.Add(-time.Second)}, false},
		"one that changes in the future": {Info{Mode: fs.ModeDir | 0o700, Changed: now.Add(time.Hour)}, false},
		"a file":                         {Info{Mode: 0o600, Changed: now.Add(-time.Hour)}, false},
	} {
		if is := c.info.StillHolds(now); is != c.holds {
			t.Errorf("%s: %v", what, is)
		}
	}
}
