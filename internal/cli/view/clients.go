package view

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"vpnd/internal/clients"
	"vpnd/internal/seen"
)

// Clients lists people, a line each and one more for every further session and
// profile. Where a terminal has fewer columns than that takes, what can be told
// shorter is: without the port that somebody comes from, and the server that a profile
// is for, then without the end of what is long.
func Clients(w io.Writer, all []clients.Client, now time.Time, columns int) error {
	rows := [][]string{{"NAME", "CONNECTED", "FROM", "ADDRESS", "BYTES", "GOOD UNTIL", "PROFILE"}}
	for _, c := range all {
		rows = append(rows, lines(c, now)...)
	}
	if columns > 0 {
		narrow(rows, columns)
	}
	widths := widths(rows)
	var b strings.Builder
	for _, row := range rows {
		b.Reset()
		for i, cell := range row {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		if _, err := io.WriteString(w, strings.TrimRight(b.String(), " ")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// The columns of the list.
const (
	nameCell = iota
	connectedCell
	fromCell
	addressCell
	bytesCell
	untilCell
	profileCell
	cells
)

// lines are those of one person.
func lines(c clients.Client, now time.Time) [][]string {
	var all [][]string
	for i := range max(1, len(c.Sessions), len(c.Profiles)) {
		row := make([]string, cells)
		if i == 0 {
			row[nameCell], row[untilCell] = Printable(c.Name), day(c.NotAfter)
		}
		switch {
		case i < len(c.Sessions):
			s := c.Sessions[i]
			copy(row[connectedCell:], []string{since(s.Since, now), Printable(s.From), Printable(s.Address), bytes(s.In + s.Out)})
		case i == 0 && c.Seen != nil:
			copy(row[connectedCell:], []string{"last " + brief(c.Seen.At, now), Printable(c.Seen.From), Printable(c.Seen.Address), bytes(c.Seen.In + c.Seen.Out)})
		case i == 0 && !c.Revoked:
			row[connectedCell] = "last unknown"
		}
		switch {
		case i == 0 && c.Revoked:
			row[profileCell] = "revoked"
		case i < len(c.Profiles):
			row[profileCell] = standing(c.Profiles[i])
			if len(c.Profiles) > 1 {
				row[profileCell] += " (" + c.Profiles[i].Server + ")"
			}
		}
		all = append(all, row)
	}
	return all
}

// since is how long somebody is connected.
func since(t, now time.Time) string {
	if t.IsZero() {
		return "now"
	}
	return "since " + brief(t, now)
}

// brief is a time as short as one can be told that lies in the past.
func brief(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04")
	case t.After(now.AddDate(0, -6, 0)):
		return t.Format("01-02")
	}
	return t.Format("2006-01")
}

// standing says in a word how a profile stands.
func standing(p clients.Profile) string {
	switch {
	case !p.Since.IsZero():
		return "replace"
	case p.GivenAt.IsZero():
		return "hand out"
	}
	return "current"
}

func widths(rows [][]string) []int {
	all := make([]int, cells)
	for _, row := range rows {
		for i, cell := range row {
			all[i] = max(all[i], utf8.RuneCountInString(cell))
		}
	}
	return all
}

// over is by how much rows are wider than columns.
func over(rows [][]string, columns int) int {
	sum := -columns - 2
	for _, w := range widths(rows) {
		sum += w + 2
	}
	return sum
}

// narrow makes rows fit, as far as that can be.
func narrow(rows [][]string, columns int) {
	if over(rows, columns) <= 0 {
		return
	}
	for _, row := range rows {
		if host, _, err := net.SplitHostPort(row[fromCell]); err == nil {
			row[fromCell] = host
		}
		row[profileCell], _, _ = strings.Cut(row[profileCell], " (")
	}
	for _, c := range []struct{ cell, least int }{{fromCell, 15}, {nameCell, 8}, {addressCell, 10}, {fromCell, 8}} {
		if too := over(rows, columns); too > 0 {
			cut(rows, c.cell, max(c.least, widths(rows)[c.cell]-too))
		}
	}
}

func cut(rows [][]string, cell, width int) {
	for _, row := range rows {
		if text := []rune(row[cell]); len(text) > width {
			row[cell] = string(text[:width-1]) + "…"
		}
	}
}

// held says what the holder of a profile has.
func held(p clients.Profile) string {
	switch {
	case !p.Since.IsZero():
		return fmt.Sprintf("needs a new one: %s (since %s)", strings.Join(p.Void, ", "), day(p.Since))
	case p.GivenAt.IsZero():
		return "not handed out yet"
	case p.GivenBy == "":
		return "handed out " + p.GivenAt.Local().Format(time.DateTime)
	}
	return fmt.Sprintf("handed out %s by %s", p.GivenAt.Local().Format(time.DateTime), Printable(p.GivenBy))
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateOnly)
}

// Client tells all of one; what nobody has noted goes back to since.
func Client(w io.Writer, c clients.Client, remembered time.Time) {
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
		when := ""
		if !s.Since.IsZero() {
			when = " since " + s.Since.Local().Format(time.DateTime)
		}
		by := ""
		if s.By != "" {
			by = " by " + Printable(s.By)
		}
		line("connected", "to %s%s, from %s%s, with %s; %s in, %s out", s.Server, when, Printable(s.From), by, Printable(s.Address), bytes(s.In), bytes(s.Out))
	}
	if len(c.Sessions) == 0 {
		line("connected", "no")
		line("last seen", "%s", last(c.Seen, remembered))
	}
}

// last says when somebody was seen last.
func last(s *seen.Sighting, remembered time.Time) string {
	switch {
	case s == nil && remembered.IsZero():
		return "unknown; no agent has noted it"
	case s == nil:
		return fmt.Sprintf("unknown; not since %s, when the agent began to note it", remembered.Local().Format(time.DateTime))
	}
	return fmt.Sprintf("%s by %s, from %s, with %s; %s in, %s out", s.At.Local().Format(time.DateTime), s.Block, Printable(s.From), Printable(s.Address), bytes(s.In), bytes(s.Out))
}
