package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"vpnd/internal/confirm"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/transaction"
)

// host is where commands change something, with a state in that directory.
func (a *app) host(dir string) *transaction.Host {
	return &transaction.Host{
		Root: a.root, Dir: dir, Caller: person(),
		Engine: a.engine, Deadline: a.deadline, Probes: confirm.Probes, Checks: confirm.Run, Changed: a.recording,
		People: &people{app: a, dir: dir},
	}
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
		_, _ = fmt.Fprint(p.Err, talk(e))
	case transaction.Fails:
		p.fails(e)
	case transaction.Damaged:
		p.say("%v", e.Damage)
	case transaction.Mended:
		p.say("%s was damaged: %s; it is set aside as %[1]s.damaged, and what is in force is put on record again", e.Damage.Path, e.Damage.What)
	case transaction.Extended:
		p.extended(e)
	case transaction.Unconfirmed:
		p.printf("\nNOT CONFIRMED YET. At %s everything is undone, unless you run: vpnd confirm%s\nTry a new connection to this host first.\n", clock(e.Until), p.sameDir())
	case transaction.Homeless, transaction.Incomplete, transaction.Stuck, transaction.GivenUp:
		_, _ = fmt.Fprintf(p.Err, "vpnd: %s\n", trouble(e))
	default:
		p.printf("%s\n", outcome(e))
	}
}

// talk is what is asked, or said while somebody waits.
func talk(e transaction.Event) string {
	const keep = "Keep it? (yes or no): "
	switch e := e.(type) {
	case transaction.Moved:
		return "The host changed meanwhile, so this is the plan now:\n\n"
	case transaction.Agree:
		return "Make these changes? Only yes is taken for an answer: "
	case transaction.Watching:
		return fmt.Sprintf("Watching whether the host can still be reached, by %d probes that worked before ...\n", e.Probes)
	case transaction.Keep:
		if !e.Until.IsZero() {
			return fmt.Sprintf("Is the host still right? Try a new connection to it. At %s everything is undone.\n%s", clock(e.Until), keep)
		}
	}
	return keep
}

// trouble is what stands against an undo or an apply, with the way out.
func trouble(e transaction.Event) string {
	switch e := e.(type) {
	case transaction.Homeless:
		return fmt.Sprintf("making the directory of keys and profiles: %v", e.Err)
	case transaction.GivenUp:
		return fmt.Sprintf("given up after %d tries; what is named above is not as before", e.Tries)
	case transaction.Stuck:
		again := "vpnd rollback " + e.Snapshot + " tries the rest again"
		if e.Pending {
			again += "; " + transaction.WayOut
		}
		return "not all is as before: what failed above is not, and all else is. " + again
	default:
		return "the undo is not complete; vpnd rollback tries again, and so does the timer where there was --confirm"
	}
}

// outcome is what became of an apply or an undo.
func outcome(e transaction.Event) string {
	switch e := e.(type) {
	case transaction.Checked:
		return fmt.Sprintf("Checks: %d hold, %d don't.", e.Hold, e.Fail)
	case transaction.Undoing:
		return fmt.Sprintf("\nUndoing it: %s.", oneLine(e.Why))
	case transaction.GoneBack:
		return "\nUNDONE. " + goneBack(e)
	case transaction.Confirmed:
		if e.Elsewhere {
			return "\nConfirmed from elsewhere: the host stays as it is."
		}
		return "Confirmed: the host stays as it is. To undo it after all: vpnd rollback " + e.Snapshot
	case transaction.Overdue:
		return "Nobody confirmed the apply in time, so it is undone."
	case transaction.Abandoned:
		return "Given up: the host stays as it is now, whatever of the apply is undone. vpnd plan shows how that differs from the configuration."
	default:
		return fmt.Sprintf("%T", e) // of which a test knows that there is none
	}
}

// mostStays is of how much that did not go back the names are told.
const mostStays = 5

// goneBack says how the host is after an undo.
func goneBack(e transaction.GoneBack) string {
	before := "The host is as it was before this apply"
	if e.Resumed {
		before += " and the one before it, which was cut short"
	}
	switch {
	case e.Elsewhere:
		return before + ", unless its undo named something that it left out; vpnd history tells where it was called."
	case len(e.Left) == 0:
		return before + "."
	}
	var names []string
	for _, id := range e.Left[:min(len(e.Left), mostStays)] {
		names = append(names, id.String())
	}
	if more := len(e.Left) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return before + ", but for what did not go back: " + report.Names(names) + ". The notes above say why."
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
		_, _ = fmt.Fprintf(p.Err, "vpnd: %s\n", printable(e.Report.Err.Error()))
	}
}

// fails tells of a check that does not hold; what its command said may be secret, and
// is for who is there alone.
func (p *people) fails(e transaction.Fails) {
	p.printf("Check %q does not hold: %v\n", e.Check.Name, e.Err)
	var command *confirm.CommandError
	if errors.As(e.Err, &command) && command.Said != "" && isTerminal(p.Out) {
		p.printf("  It says: %s\n", printable(command.Said))
	}
}

func (p *people) extended(e transaction.Extended) {
	if e.Sooner > 0 {
		p.say("%s from now would be sooner than the deadline, which stays; vpnd rollback undoes the apply now", resource.Duration(e.Sooner))
	}
	p.printf("The deadline is now %s.\n", clock(e.Until))
}

// sameDir is how another command names the same state, where it has to.
func (p *people) sameDir() string {
	if p.dir == p.app.dir(nil) && p.app.stateDir == "" {
		return ""
	}
	return " --state-dir " + p.dir
}

func oneLine(err error) string {
	first, rest, _ := strings.Cut(err.Error(), "\n")
	if rest != "" {
		first += ", and more"
	}
	return first
}
