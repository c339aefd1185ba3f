package systemd

import (
	"context"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Journal returns the last lines, at most so many, that the processes of a unit have
// logged since, without empty ones; none where journald(8) does not tell. It has
// written down all that it was told before.
func Journal(ctx context.Context, unit string, since time.Time, most int) []string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = exec.CommandContext(ctx, "journalctl", "--sync").Run() // else the end may be missing
	at := strconv.FormatFloat(float64(since.UnixMicro())/1e6, 'f', 6, 64)
	out, err := exec.CommandContext(ctx, "journalctl", "--quiet", "--no-pager", "--output=cat",
		"--since=@"+at, "--reverse", "--lines="+strconv.Itoa(most), "_SYSTEMD_UNIT="+unit).Output()
	if err != nil {
		return nil
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	slices.Reverse(lines) // only so are they the last ones
	return lines
}
