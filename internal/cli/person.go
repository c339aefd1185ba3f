package cli

import (
	"context"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"vpnd/internal/daemon"
	"vpnd/internal/engine"
	"vpnd/internal/report"
)

// nobody is the login UID of what no person began; proc(5).
const nobody = "4294967295"

// person is who called this command: the user of sudo(8), or who logged in; empty
// where a unit did.
func person() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	id, err := os.ReadFile("/proc/self/loginuid")
	uid := strings.TrimSpace(string(id))
	if err != nil || uid == "" || uid == nobody {
		return ""
	}
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return "user " + uid
}

// record writes what a command did into the journal, with who called it, as the
// agent does of its own work. Another root has no journal.
func (a *app) record(message string, attrs ...any) {
	log := a.records()
	if log == nil {
		return
	}
	if by := person(); by != "" {
		attrs = append(attrs, "person", by)
	}
	log.Log(context.Background(), levelOf(message), message, attrs...)
}

// records is the journal, nil where there is none.
func (a *app) records() *slog.Logger {
	if filepath.Clean(a.root) != "/" {
		return nil
	}
	return daemon.Journal()
}

// recording has the journal told of each change of a command, besides whoever is
// told of it already.
func (a *app) recording(command string, told func(engine.Change, error)) func(engine.Change, error) {
	return func(c engine.Change, err error) {
		if told != nil {
			told(c, err)
		}
		attrs := []any{"id", c.ID, "action", c.Action, "reason", c.Reason, "attr", report.Becomes(daemon.Shortened(c.Diffs)), "command", command}
		if err != nil {
			a.record(notDone, append(attrs, "error", err)...)
			return
		}
		a.record("changed", attrs...)
	}
}

// notDone is the message of a record about what failed.
const notDone = "not done"

func levelOf(message string) slog.Level {
	if message == notDone {
		return slog.LevelError
	}
	return slog.LevelInfo
}
