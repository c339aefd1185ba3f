package view

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"vpnd/internal/clients"
)

// Clients lists people, a line each and one more for every further session and
// profile.
func Clients(w io.Writer, all []clients.Client) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		_, _ = fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	row("NAME", "CONNECTED", "FROM", "ADDRESS", "IN", "OUT", "CERTIFICATE", "PROFILE")
	for _, c := range all {
		name, last := Printable(c.Name), day(c.NotAfter)
		for i := range max(1, len(c.Sessions), len(c.Profiles)) {
			cells := []string{name, "", "", "", "", "", last, ""}
			if i > 0 {
				cells[0], cells[6] = "", ""
			}
			switch {
			case i < len(c.Sessions):
				s := c.Sessions[i]
				copy(cells[1:], []string{Printable(s.Since), Printable(s.From), Printable(s.Address), bytes(s.In), bytes(s.Out)})
			case i == 0 && c.Revoked:
				cells[1] = "revoked"
			case i == 0:
				cells[1] = "no"
			}
			if i < len(c.Profiles) {
				cells[7] = held(c.Profiles[i])
				if len(c.Profiles) > 1 {
					cells[7] = c.Profiles[i].Server + ": " + cells[7]
				}
			}
			row(cells...)
		}
	}
	return t.Flush()
}

// held says what the holder of a profile has.
func held(p clients.Profile) string {
	switch {
	case !p.Since.IsZero():
		return fmt.Sprintf("needs a new one: %s (since %s)", strings.Join(p.Void, ", "), day(p.Since))
	case p.GivenAt.IsZero():
		return "not handed out yet"
	case p.GivenBy == "":
		return "handed out " + day(p.GivenAt)
	}
	return fmt.Sprintf("handed out %s by %s", day(p.GivenAt), Printable(p.GivenBy))
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateOnly)
}

// Client tells all of one.
func Client(w io.Writer, c clients.Client) {
	line := func(what, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "  %-12s %s\n", what, fmt.Sprintf(format, args...))
	}
	_, _ = fmt.Fprintf(w, "%s  (%s)\n", Printable(c.Name), strings.Join(c.Blocks, ", "))
	switch {
	case c.Revoked:
		line("certificate", "revoked; nothing that they have is good any more")
	case !c.NotAfter.IsZero():
		line("certificate", "good until %s, serial number %s", c.NotAfter.Local().Format(time.DateTime), c.Serial)
	}
	for _, p := range c.Profiles {
		line("profile", "%s, for %s; %s", p.Path, p.Server, held(p))
	}
	for _, s := range c.Sessions {
		line("connected", "to %s since %s, from %s, with %s; %s in, %s out", s.Server, Printable(s.Since), Printable(s.From), Printable(s.Address), bytes(s.In), bytes(s.Out))
	}
	if len(c.Sessions) == 0 {
		line("connected", "no")
	}
}
