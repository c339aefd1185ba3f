package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/lock"
	"vpnd/internal/report"
	"vpnd/internal/status"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON, watch bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Tell how the daemon, the host and its VPNs are",
		Long: `Tells what the daemon last saw: drift and what it did about it, certificates and
lists and when they run out, who is connected. It changes nothing and plans
nothing; vpnd drift looks anew.

Exits with 0 where all is well, 3 where something is not as it shall be now, and
1 where the daemon does not run, could not look at the host or at some thing, does
not take the configuration, or a check does not hold.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a.stateDir = a.dir(nil) // once: to know it may take reading the configuration
			if watch {
				return a.watchStatus(c.Context(), asJSON)
			}
			now, err := a.told()
			if err != nil {
				return err
			}
			if now.Running {
				now.ask(c.Context())
			} else {
				now = a.survey(c.Context(), now)
			}
			if err := a.showStatus(now, asJSON); err != nil {
				return err
			}
			return now.exit()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	c.Flags().BoolVar(&watch, "watch", false, "show it again whenever it changes, until interrupted; then exit with 0")
	return c
}

// standing is the status, and whether the daemon that wrote it runs.
type standing struct {
	*status.Status
	Running bool     `json:"running"`
	Waiting []string `json:"need_new_profile,omitempty"` // names of clients whose profiles are void

	surveyed bool // the host was looked at just now, since no daemon does
}

// survey looks at the host where no daemon does. Where that can't be, it returns
// what a daemon told last.
func (a *app) survey(ctx context.Context, last standing) standing {
	if a.root != "/" {
		return last
	}
	cfg, diags, err := a.read()
	if err != nil || diags.HasErrors() {
		return last
	}
	e, err := a.look(a.dir(cfg))
	if err != nil {
		last.Error = err.Error()
		return last
	}
	p, err := a.plan(ctx, e, cfg, nil)
	if err != nil {
		last.Error = err.Error()
		return last
	}
	now := standing{Status: status.Survey(ctx, e.Catalog.Traits, p, cfg.Desired.Present), surveyed: true}
	now.PID, now.Version, now.Since, now.Recent, now.Unconfirmed = last.PID, last.Version, last.Since, last.Recent, last.Unconfirmed
	now.Waiting = last.Waiting
	if err := e.Store.Damage(); err != nil {
		now.Error = err.Error()
	}
	return now
}

// told reads what the daemon wrote.
func (a *app) told() (standing, error) {
	s, err := status.Read(a.runDir)
	if err != nil {
		return standing{}, err
	}
	now := standing{Status: s, Running: lock.AgentRuns(a.runDir)}
	if s == nil {
		now.Status = &status.Status{Agent: status.Agent{FormatVersion: status.FormatVersion}}
	}
	now.Unconfirmed = a.unconfirmed(now.Unconfirmed)
	if e, err := a.look(a.stateDir); err == nil { // else there is nothing on record, or for others to see
		now.Waiting = e.Waiting()
	}
	return now, nil
}

// ask asks the servers who is connected now.
func (s standing) ask(ctx context.Context) {
	for i := range s.Servers {
		s.Servers[i].Ask(ctx)
	}
}

func (s standing) exit() error {
	switch {
	case !s.Running, s.Error != "", !s.Configuration.Valid, len(s.Unknown)+len(s.Failing) > 0:
		return exitStatus(exitError)
	case len(s.Drift) > 0, len(s.Pending) > 0:
		return exitStatus(exitDrift)
	}
	return nil
}

func (a *app) showStatus(s standing, asJSON bool) error {
	if asJSON {
		return report.WriteJSON(a.Out, s)
	}
	a.showDaemon(s)
	a.showUnconfirmed(s.Unconfirmed)
	a.showMoved(s)
	a.showTunnels(s)
	a.showEnds(s)
	if text := report.HandOut(s.Waiting); text != "" {
		a.printf("\n%s\n", text)
	}
	return nil
}

func (a *app) printf(format string, args ...any) { _, _ = fmt.Fprintf(a.Out, format, args...) }

func (a *app) showDaemon(s standing) {
	switch {
	case !s.Running && s.PID == 0:
		a.printf("The daemon does not run, and has not since this host booted. To begin: systemctl enable --now vpnd\n")
		if s.Error != "" {
			a.printf("\nWhat is wrong: %s\n", printable(s.Error))
		}
		return
	case s.surveyed:
		a.printf("The daemon does not run. How things stand now:\n")
	case !s.Running:
		a.printf("The daemon does not run. What follows is from %s.\n", moment(s.lastPass()))
	default:
		a.printf("%s\n", s.Summary())
		a.printf("Daemon %s, process %d, since %s.\n", s.Version, s.PID, moment(s.Since))
	}
	if s.Reconcile != nil {
		a.printf("Last pass %s (%s), took %s.\n", moment(s.Reconcile.Time), s.Reconcile.Noticed, took(s.Reconcile.Seconds))
	}
	if s.Apply != nil {
		a.printf("Last change %s: %d done, %d failed, took %s.\n", moment(s.Apply.Time), s.Apply.Changed, s.Apply.Failed, took(s.Apply.Seconds))
	}
	if s.Configuration.Diagnostics != "" {
		a.printf("\nConfiguration in %s, read %s:\n%s", strings.Join(s.Configuration.Paths, ", "), moment(s.Configuration.Read), indent(s.Configuration.Diagnostics))
	}
	if s.Configuration.Withheld != "" {
		a.printf("\nThe configuration is not taken: %s\n", printable(s.Configuration.Withheld))
	} else if s.Configuration.Changed {
		a.printf("\nThe files have changed since they were taken; systemctl reload vpnd, or vpnd apply, takes them.\n")
	}
	if s.Error != "" {
		a.printf("\nThe last pass failed: %s\n", printable(s.Error))
	}
	if s.MetricsError != "" {
		a.printf("\nMetrics can't be served, which is tried again every interval: %s\n", printable(s.MetricsError))
	}
	for _, id := range s.FailClosed {
		a.printf("\nSwitched off until the filter rules stand: %s. The host forwards nothing.\n", id)
	}
	if s.Suppressed != nil {
		a.showSuppressed(s.Suppressed)
	}
}

// mostPending is of how much that is not done the text tells.
const mostPending = 10

// mostSuppressed is of how many suppressed things the text tells.
const mostSuppressed = 10

func (a *app) showSuppressed(h *status.Suppression) {
	if h.All {
		a.printf("\nSuppressed: everything but what guards the host stays as it is until vpnd apply, since a file of the\nstate was damaged, and what else was undone is not known.\n")
		return
	}
	a.printf("\nSuppressed since vpnd %s %s: %d resources. They stay as they were before until vpnd apply,\neach also until the files ask for something else of it than what was undone.\n", h.Command, moment(h.Since), len(h.IDs))
	for i, id := range h.IDs {
		if i == mostSuppressed {
			a.printf("  and %d more; vpnd status --json lists them\n", len(h.IDs)-i)
			break
		}
		a.printf("  %s\n", id)
	}
}

// lastPass is when the status was true.
func (s standing) lastPass() time.Time {
	if s.Reconcile == nil {
		return s.Since
	}
	return s.Reconcile.Time
}

func (a *app) showTunnels(s standing) {
	a.section("Tunnels", len(s.Tunnels))
	for _, t := range s.Tunnels {
		a.printf("  %s: %s", t.ID.Name, condition(t))
		if t.Block != t.ID.String() {
			a.printf(" (%s)", t.Block)
		}
		a.printf("\n")
	}
	for _, server := range s.Servers {
		switch {
		case !server.Up:
			a.printf("\n%s: not running\n", server.Block)
			continue
		case server.Error != "":
			a.printf("\n%s: %s\n", server.Block, printable(server.Error))
			continue
		}
		a.printf("\n%s: %d connected\n", server.Block, len(server.Clients))
		for _, c := range server.Clients {
			a.printf("  %s  %s  from %s  since %s\n", printable(c.Name), printable(c.Address), printable(c.From), printable(c.Since))
		}
	}
}

func condition(t status.Tunnel) string {
	switch {
	case !t.Up:
		return "down"
	case !t.Attached:
		return "switched on, but no program serves it"
	}
	return "up"
}

// mostEnds is of how many certificates the text tells, apart from those to be
// renewed.
const mostEnds = 20

func (a *app) showEnds(s standing) {
	for _, list := range []struct {
		title string
		all   []status.Expiry
		inAll int
	}{{"Certificates", s.Certificates, s.CertificatesInAll}, {"Revocation lists", s.CRLs, 0}} {
		inAll := max(list.inAll, len(list.all))
		a.section(fmt.Sprintf("%s (%d)", list.title, inAll), inAll)
		for i, e := range list.all {
			if i >= mostEnds && e.Fresh {
				a.printf("  and %d that run out later; vpnd status --json lists more\n", inAll-i)
				break
			}
			left := time.Until(e.NotAfter).Hours() / 24
			a.printf("  %s  %s (%.0f days)%s\n", e.NotAfter.Format(time.DateOnly), e.ID.Name, left, map[bool]string{false: "  to be renewed"}[e.Fresh])
		}
	}
}

func (a *app) section(title string, n int) {
	if n > 0 {
		a.printf("\n%s\n", title)
	}
}

func moment(t time.Time) string {
	if time.Since(t) < 24*time.Hour {
		return t.Local().Format(time.TimeOnly)
	}
	return t.Local().Format(time.DateTime)
}

func took(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
}

func known(by string) string {
	if by == "" {
		return "unknown"
	}
	return printable(by)
}

// printable keeps what stands in files and names of programs from steering the
// terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
	}
	return b.String()
}
