package cli

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"vpnd/internal/cli/view"
	"vpnd/internal/lock"
	"vpnd/internal/status"
)

// longestReload is how long a reload is watched: an agent at work on a package
// takes the files once that is done.
const longestReload = 60 * time.Second

// reload has the daemon read its files again, and fails where it does not take
// them: kill(1) in its place would call every reload a success.
func (a *app) reload(ctx context.Context) error {
	before, err := status.Read(a.runDir)
	if err != nil {
		return err
	}
	if before == nil || !lock.AgentRuns(a.runDir) {
		return errors.New("no daemon runs that could take the files; begin with: systemctl start vpnd")
	}
	sent := time.Now()
	if err := syscall.Kill(before.PID, syscall.SIGHUP); err != nil {
		return fmt.Errorf("telling the daemon, process %d: %w", before.PID, err)
	}
	now, err := a.reloaded(ctx, sent)
	switch {
	case err != nil:
		return err
	case now == nil:
		a.say("the daemon is still at work, and takes the files after that; vpnd status tells")
	case !now.Configuration.Valid:
		_, _ = fmt.Fprint(a.Err, view.Printable(now.Configuration.Diagnostics))
		return errors.New("the files are not taken; what was in force stays so")
	case now.Configuration.Withheld != "":
		return fmt.Errorf("the files are not taken: %s", now.Configuration.Withheld)
	}
	return nil
}

// reloaded waits until a reload has read the files and compared the host with
// them, or does not take them, and returns the status then, nil where that takes
// too long.
func (a *app) reloaded(ctx context.Context, sent time.Time) (*status.Status, error) {
	wait, cancel := context.WithTimeout(ctx, longestReload)
	defer cancel()
	for {
		now, err := status.Read(a.runDir)
		if err != nil {
			return nil, err
		}
		read := now != nil && now.Configuration.Read.After(sent)
		if read && (now.Configuration.Withheld != "" || now.Configuration.Planned.After(sent)) {
			return now, nil
		}
		select {
		case <-wait.Done():
			if read {
				return now, ctx.Err()
			}
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
