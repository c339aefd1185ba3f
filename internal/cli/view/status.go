package view

import (
	"fmt"
	"strings"
	"time"

	"vpnd/internal/report"
	"vpnd/internal/status"
	"vpnd/internal/transaction"
)

// A Standing is the status, and whether the daemon that wrote it runs.
type Standing struct {
	*status.Status
	Running bool     `json:"running"`
	Waiting []string `json:"need_new_profile,omitempty"` // names of clients whose profiles are void

	Surveyed bool `json:"-"` // the host was looked at just now, since no daemon does
}

// Status tells how the agent, the host and its VPNs are.
func (v View) Status(s Standing) {
	v.agent(s)
	v.unconfirmed(s.Unconfirmed)
	v.moved(s)
	v.tunnels(s.Tunnels)
	v.servers(s.Servers)
	v.ends(s)
	if text := report.HandOut(s.Waiting); text != "" {
		v.printf("\n%s\n", text)
	}
}

func (v View) agent(s Standing) {
	switch {
	case !s.Running && s.PID == 0:
		v.printf("The daemon does not run, and has not since this host booted. To begin: systemctl enable --now vpnd\n")
		if s.Error != "" {
			v.printf("\nWhat is wrong: %s\n", Printable(s.Error))
		}
		return
	case s.Surveyed:
		v.printf("The daemon does not run. How things stand now:\n")
	case !s.Running:
		v.printf("The daemon does not run. What follows is from %s.\n", moment(s.LastPass()))
	default:
		v.printf("%s\n", s.Summary())
		v.printf("Daemon %s, process %d, since %s.\n", s.Version, s.PID, moment(s.Since))
	}
	if s.Reconcile != nil {
		v.printf("Last pass %s (%s), took %s.\n", moment(s.Reconcile.Time), s.Reconcile.Noticed, took(s.Reconcile.Seconds))
	}
	if s.Apply != nil {
		v.printf("Last change %s: %d done, %d failed, took %s.\n", moment(s.Apply.Time), s.Apply.Changed, s.Apply.Failed, took(s.Apply.Seconds))
	}
	if s.Configuration.Diagnostics != "" {
		v.printf("\nConfiguration in %s, read %s:\n%s", strings.Join(s.Configuration.Paths, ", "), moment(s.Configuration.Read), indent(s.Configuration.Diagnostics))
	}
	if s.Configuration.Withheld != "" {
		v.printf("\nThe configuration is not taken: %s\n", Printable(s.Configuration.Withheld))
	} else if s.Configuration.Changed {
		v.printf("\nThe files have changed since they were taken; systemctl reload vpnd, or vpnd apply, takes them.\n")
	}
	if s.Error != "" {
		v.printf("\nThe last pass failed: %s\n", Printable(s.Error))
	}
	if s.MetricsError != "" {
		v.printf("\nMetrics can't be served, which is tried again every interval: %s\n", Printable(s.MetricsError))
	}
	for _, id := range s.FailClosed {
		v.printf("\nSwitched off until the filter rules stand: %s. The host forwards nothing.\n", id)
	}
	if s.Suppressed != nil {
		v.suppressed(s.Suppressed)
	}
}

// mostPending is of how much that is not done the text tells.
const mostPending = 10

// mostSuppressed is of how many suppressed things the text tells.
const mostSuppressed = 10

func (v View) suppressed(h *status.Suppression) {
	if h.All {
		v.printf("\nSuppressed: everything but what guards the host stays as it is until vpnd apply, since a file of the\nstate was damaged, and what else was undone is not known.\n")
		return
	}
	v.printf("\nSuppressed since vpnd %s %s: %s. What was undone stays so until vpnd apply,\neach thing also until the files ask for something else of it.\n", h.Command, moment(h.Since), report.Count(len(h.IDs), "resource"))
	for i, id := range h.IDs {
		if i == mostSuppressed {
			v.printf("  and %d more; vpnd status --json lists them\n", len(h.IDs)-i)
			break
		}
		v.printf("  %s\n", id)
	}
}

// LastPass is when the status was true.
func (s Standing) LastPass() time.Time {
	if s.Reconcile == nil {
		return s.Since
	}
	return s.Reconcile.Time
}

func (v View) servers(all []status.Server) {
	for _, server := range all {
		switch {
		case !server.Up:
			v.printf("\n%s: not running\n", server.Name())
			continue
		case server.Error != "":
			v.printf("\n%s: %s\n", server.Name(), Printable(server.Error))
			continue
		}
		v.printf("\n%s: %d connected\n", server.Name(), len(server.Clients))
		for _, c := range server.Clients {
			v.printf("  %s  %s  from %s  since %s\n", Printable(c.Name), Printable(c.Address), Printable(c.From), Printable(c.Since))
		}
	}
}

// mostEnds is of how many certificates the text tells, apart from those to be
// renewed.
const mostEnds = 20

func (v View) ends(s Standing) {
	for _, list := range []struct {
		title string
		all   []status.Expiry
		inAll int
	}{{"Certificates", s.Certificates, s.CertificatesInAll}, {"Revocation lists", s.CRLs, 0}} {
		inAll := max(list.inAll, len(list.all))
		v.section(fmt.Sprintf("%s (%d)", list.title, inAll), inAll)
		for i, e := range list.all {
			if i >= mostEnds && e.Fresh {
				v.printf("  and %d that run out later; vpnd status --json lists more\n", inAll-i)
				break
			}
			left := time.Until(e.NotAfter).Hours() / 24
			v.printf("  %s  %s (%.0f days)%s\n", e.NotAfter.Format(time.DateOnly), e.ID.Name, left, map[bool]string{false: "  to be renewed"}[e.Fresh])
		}
	}
}

// unconfirmed says until when an apply waits, and how it is undone.
func (v View) unconfirmed(u *status.Unconfirmed) {
	switch {
	case u == nil:
		return
	case !u.Overdue:
		v.printf("\nAn apply waits for confirmation until %s: vpnd confirm keeps it, vpnd rollback undoes it now (snapshot %s).\n", Clock(u.Until), u.Snapshot)
		return
	}
	v.printf("\nAn apply that was to be confirmed until %s is being undone (snapshot %s); what it changed is left alone until then. vpnd rollback tries now and says what stands against it; %s.\n", Clock(u.Until), u.Snapshot, transaction.WayOut)
	if u.Begun > 0 {
		v.printf("The daemon has begun the undo %d times, since it did not come to its end; see: journalctl -t vpnd\n", u.Begun)
	}
	if u.Error != "" {
		v.printf("It can't begin the undo: %s\n", Printable(u.Error))
	}
}
