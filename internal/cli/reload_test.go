package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vpnd/internal/status"
)

// Where nothing is in force that the host could be compared with, a reload that is
// not taken is told at once.
func TestReloadThatIsNotTakenIsToldAtOnce(t *testing.T) {
	now := time.Now()
	s := status.Status{Agent: status.Agent{FormatVersion: status.FormatVersion}, Configuration: status.Configuration{Read: now, Valid: true, Withheld: "a power cut"}}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{runDir: testDir(t)}
	if err := os.WriteFile(filepath.Join(a.runDir, "status.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	told, err := a.reloaded(t.Context(), now.Add(-time.Second))
	if err != nil || told == nil || told.Configuration.Withheld == "" || time.Since(now) > longestReload/2 {
		t.Errorf("after %s: %+v, %v", time.Since(now), told, err)
	}
}
