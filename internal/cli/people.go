package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"vpnd/internal/cli/view"
	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/journal"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/status"
	"vpnd/internal/transaction"
)

// host is where commands change something, with a state in that directory.
func (a *app) host(dir string) *transaction.Host {
	return &transaction.Host{
		Root: a.root, Dir: dir, Caller: person(), Read: a.state,
		Engine: a.engine, Deadline: a.deadline, Probes: confirm.Probes, Checks: (&confirm.Checker{Catalog: a.catalog(), Why: a.heard}).Run, Changed: a.recording,
		People: &people{app: a, dir: dir},
	}
}

// heard is why a tunnel is down as the agent told it last: what it was refused with,
// say, only who was there has heard.
func (a *app) heard(id resource.ID, name string) string {
	s, err := status.Read(a.runDir)
	if err != nil || s == nil {
		return ""
	}
	for _, t := range s.Tunnels {
		if t.ID == id && t.Name == name {
			return t.Why
		}
	}
	return ""
}

// people are those who read what a command writes and, where it is a terminal, type
// what it asks for.
type people struct {
	*app
	dir   string        // of the state
	typed <-chan string // see Answers
}

// Answers returns what is typed on a terminal. All questions share it: each reader
// of its own would read ahead.
func (p *people) Answers() <-chan string {
	if p.typed == nil && isTerminal(p.In) {
		p.typed = lines(p.In)
	}
	return p.typed
}

// lines reads lines until the end, which closes the channel.
func lines(r io.Reader) <-chan string {
	answers := make(chan string)
	go func() {
		defer close(answers)
		for s := bufio.NewScanner(r); s.Scan(); {
			answers <- strings.TrimSpace(s.Text())
		}
	}()
	return answers
}

// Tell puts an event into words: what was done is the answer of the command, and
// what asks or warns is talk.
func (p *people) Tell(e transaction.Event) {
	switch e := e.(type) {
	case transaction.Planned:
		p.show(e)
	case transaction.Reported:
		p.report(e)
	case transaction.Applied:
		p.next(e.Engine, e.Report)
	case transaction.Moved, transaction.Agree, transaction.Keep, transaction.Watching:
		_, _ = fmt.Fprint(p.Err, view.Talk(e))
	case transaction.Fails:
		p.fails(e)
	case transaction.Damaged:
		p.say("%v", e.Damage)
	case transaction.Mended:
		p.say("%s was damaged: %s; it is set aside as %[1]s.damaged, and what is in force is put on record again", e.Damage.Path, e.Damage.What)
	case transaction.Extended:
		p.extended(e)
	case transaction.Unconfirmed:
		p.printf("\nNOT CONFIRMED YET. At %s everything is undone, unless you run: vpnd confirm%s\nTry a new connection to this host first.\n", view.Clock(e.Until), p.sameDir())
	case transaction.Homeless, transaction.Incomplete, transaction.Stuck, transaction.GivenUp:
		_, _ = fmt.Fprintf(p.Err, "vpnd: %s\n", view.Trouble(e))
	default:
		p.printf("%s\n", view.Outcome(e))
	}
}

// show shows a plan that is about to be carried out.
func (p *people) show(e transaction.Planned) {
	p.tellLeftOut(e.Plan)
	p.text().Plan(e.Plan)
	if len(e.Plan.Changes) > 0 {
		p.printf("\n")
	}
}

// report tells what became of a plan, and who needs a new profile.
func (p *people) report(e transaction.Reported) {
	if len(e.Plan.Changes) > 0 {
		name, _, _ := strings.Cut(e.Command, ",") // the history says why it was undone
		p.text().Report(name, e.Report)
		if text := report.HandOut(e.Waiting); text != "" {
			p.printf("%s\n", text)
		}
	}
	if e.Report.Err != nil {
		_, _ = fmt.Fprintf(p.Err, "vpnd: %s\n", view.Printable(e.Report.Err.Error()))
	}
}

// fails tells of a check that does not hold; what its command said may be secret, and
// is for who is there alone.
func (p *people) fails(e transaction.Fails) {
	p.printf("Check %q does not hold: %v\n", e.Check.Name, e.Err)
	var command *confirm.CommandError
	if errors.As(e.Err, &command) && command.Said != "" && isTerminal(p.Out) {
		p.printf("  It says: %s\n", view.Printable(command.Said))
	}
}

func (p *people) extended(e transaction.Extended) {
	if e.Sooner > 0 {
		p.say("%s from now would be sooner than the deadline, which stays; vpnd rollback undoes the apply now", resource.Duration(e.Sooner))
	}
	p.printf("The deadline is now %s.\n", view.Clock(e.Until))
}

// sameDir is how another command names the same state, where it has to.
func (p *people) sameDir() string {
	if p.dir == p.app.dir(nil) && p.app.stateDir == "" {
		return ""
	}
	return " --state-dir " + p.dir
}

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
