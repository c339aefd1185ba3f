package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
)

// unkept says what people have to do so that the host stays as it is made; empty
// where the agent is there at the next boot, or where there is none.
func (a *app) unkept() string {
	if filepath.Clean(a.root) != "/" {
		return ""
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return ""
	}
	if _, err := os.Lstat("/etc/systemd/system/multi-user.target.wants/vpnd.service"); err == nil {
		return ""
	}
	return "Rules, routes and links last until the next boot, unless: systemctl enable --now vpnd"
}

// next says after an apply what people want to know then: where the profiles are,
// how to undo it, and what keeps it so.
func (a *app) next(e *engine.Engine, r engine.Report) {
	var lines []string
	if made := profiles(e.Gifts(), r); made != "" {
		lines = append(lines, "Profiles, each with its key: "+made+". To hand one out: vpnd client export NAME")
	}
	if r.Snapshot != "" {
		lines = append(lines, "To undo this: vpnd rollback"+a.sameState())
	}
	if unkept := a.unkept(); unkept != "" && len(r.Results) > 0 {
		lines = append(lines, unkept)
	}
	if len(lines) > 0 {
		_, _ = fmt.Fprintf(a.Out, "\n%s\n", strings.Join(lines, "\n"))
	}
}

// profiles tells where the profiles are that an apply has made.
func profiles(gifts []engine.Gift, r engine.Report) string {
	given := make(map[resource.ID]bool)
	for _, g := range gifts {
		given[g.ID] = true
	}
	var dirs []string
	count := make(map[string]int)
	for _, result := range r.Results {
		if result.Err != nil || result.Action == engine.Remove || !given[result.ID] {
			continue
		}
		dir := filepath.Dir(result.ID.Name)
		if count[dir]++; count[dir] == 1 {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	for i, dir := range dirs {
		dirs[i] = fmt.Sprintf("%s (%s)", dir, report.Count(count[dir], "file"))
	}
	return strings.Join(dirs, ", ")
}

// sameState is how to name the same state in the next command.
func (a *app) sameState() string {
	switch {
	case a.root != "/":
		return " --root " + a.root
	case a.stateDir != "":
		return " --state-dir " + a.stateDir
	}
	return ""
}
