package cli

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"vpnd/internal/journal"
	"vpnd/internal/resource"
)

// levels are the values of --log-level.
var levels = []string{"debug", "info", "warn", "error"}

// log returns the log of a command or of the daemon.
func (a *app) log() *slog.Logger { return journal.NewLog(a.Err, a.level) }

// say tells something besides the answer.
func (a *app) say(format string, args ...any) {
	if a.level <= slog.LevelInfo {
		_, _ = fmt.Fprintf(a.Err, "vpnd: "+format+"\n", args...)
	}
}

// mostNames is how many things of one call the log names.
const mostNames = 5

// traced has the kinds tell in the log what they do, where that is asked for.
func (a *app) traced(c resource.Catalog) resource.Catalog {
	if a.level > slog.LevelDebug {
		return c
	}
	log := a.log()
	return c.Traced(func(c resource.Call) {
		names := strings.Join(c.Names[:min(len(c.Names), mostNames)], " ")
		if more := len(c.Names) - mostNames; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		attrs := []any{"verb", c.Verb, "kind", c.Kind, "names", names, "took", c.Took.Round(time.Microsecond)}
		if c.Err != nil {
			attrs = append(attrs, "error", c.Err)
		}
		log.Debug("verb called", attrs...)
	})
}
