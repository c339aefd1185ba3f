package cli

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/term"

	"vpnd/internal/config/diag"
	"vpnd/internal/engine"
	"vpnd/internal/journal"
	"vpnd/internal/report"
)

// A terminal is where a command reads and writes, and how people want that.
type terminal struct {
	Streams

	color    string
	logLevel string
	level    slog.Level // what --log-level says
	verbose  bool       // tell every attribute
	hint     string     // what people should know besides of a plan that changes something
	idle     string     // what to say where there is nothing to do, unless it is the usual
	expels   bool       // somebody is shut out, which no undo takes back
	lasting  string     // what to say of what no undo takes back, in the place of how that is done
}

// colors are the values of --color.
var colors = []string{"auto", "always", "never"}

// colored says whether to write colour to f.
func (t *terminal) colored(w any) bool {
	switch t.color {
	case "always":
		return true
	case "never":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && isTerminal(w)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (t *terminal) text() report.Text { return t.textTo(t.Out) }

func (t *terminal) textTo(w io.Writer) report.Text {
	return report.Text{W: w, Width: columns(w), Color: t.colored(w), Idle: t.idle, Long: t.verbose, Hint: t.hint}
}

func (t *terminal) print(diags hcl.Diagnostics, files map[string]*hcl.File) {
	if t.level > slog.LevelWarn {
		diags = slices.DeleteFunc(slices.Clone(diags), func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagWarning })
	}
	_ = diag.Print(t.Err, diags, files, t.width(), t.colored(t.Err))
	if len(diags) > 0 && !diags.HasErrors() { // then something follows
		_, _ = fmt.Fprintln(t.Err)
	}
}

func (t *terminal) width() int { return cmp.Or(columns(t.Err), 100) }

// columns is how wide a terminal is, and 0 of what is none.
func columns(w io.Writer) int {
	if width, _ := size(w); width > 20 {
		return width
	}
	return 0
}

// size is how many columns and lines a terminal has, and nothing of what is none.
func size(w io.Writer) (columns, lines int) {
	if f, ok := w.(*os.File); ok {
		if width, height, err := term.GetSize(int(f.Fd())); err == nil {
			return max(width, 1), height
		}
	}
	return 0, 0
}

// levels are the values of --log-level.
var levels = []string{"debug", "info", "warn", "error"}

// log returns the log of a command or of the daemon.
func (t *terminal) log() *slog.Logger { return journal.NewLog(t.Err, t.level) }

// say tells something besides the answer.
func (t *terminal) say(format string, args ...any) {
	if t.level <= slog.LevelInfo {
		_, _ = fmt.Fprintf(t.Err, "vpnd: "+format+"\n", args...)
	}
}

func (t *terminal) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.Out, format, args...) }

// mostLeftOut is how many things are named before the rest is only counted.
const mostLeftOut = 8

// tellLeftOut says what the plan could not do below another root.
func (t *terminal) tellLeftOut(p *engine.Plan) {
	if len(p.LeftOut) == 0 {
		return
	}
	var names []string
	for _, id := range p.LeftOut[:min(len(p.LeftOut), mostLeftOut)] {
		names = append(names, id.String())
	}
	if more := len(p.LeftOut) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	t.say("left out below --root: %s; they need a running host", strings.Join(names, ", "))
}
