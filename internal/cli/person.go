package cli

import (
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"vpnd/internal/engine"
	"vpnd/internal/journal"
	"vpnd/internal/report"
	"vpnd/internal/status"
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

// records is a log of what a command does in the journal, with who called it, as
// the agent keeps one of its own work. Another root has no journal.
func (a *app) records() *slog.Logger {
	var log *slog.Logger
	if filepath.Clean(a.root) == "/" {
		log = journal.Direct()
	}
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	if by := person(); by != "" {
		log = log.With("person", by)
	}
	return log
}

// recording returns who is told of each change of a command: the journal, and whoever
// reads along.
func (a *app) recording(command string) func(engine.Change, error) {
	log, text := a.records(), a.text()
	return func(c engine.Change, err error) {
		text.Done(c, err)
		attrs := []any{"id", c.ID, "action", c.Action, "reason", c.Reason, "attr", report.Becomes(status.Shortened(c.Diffs)), "command", command}
		if err != nil {
			log.Error("change not done", append(attrs, "error", err)...)
			return
		}
		log.Info("resource changed", attrs...)
	}
}
