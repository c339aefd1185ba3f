package ipsec

import (
	"cmp"
	"context"
	"encoding/json"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/kind/ipsec/reason"
	"vpnd/internal/resource"
)

// Unit is strongSwan's on Debian; its charon is told of by what it writes to the
// journal.
const Unit = "strongswan.service"

// lastLines is how much of the journal is read: many tries of many tunnels.
const lastLines = 3000

// entry is one of the journal, with the fields that charon-systemd gives it.
type entry struct {
	At   string `json:"__REALTIME_TIMESTAMP"`
	Text any    `json:"MESSAGE"` // a list of bytes where it is no text
	Name string `json:"IKE_SA_NAME"`
	SA   string `json:"IKE_SA_UNIQUE_ID"`
}

// Journal returns what charon logged since, the last of it where that is much, but
// for packets, which are most of it: of these only that one could not be sent. Nothing
// is returned where there is no journal: then nobody knows.
func Journal(ctx context.Context, since time.Time) []reason.Line {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	all := entries(ctx, since, "GROUP=IKE", "GROUP=CFG", "GROUP=LIB")
	silent := func(e entry) bool { text, _ := e.Text.(string); return strings.HasPrefix(text, "retransmit ") }
	if slices.ContainsFunc(all, silent) {
		all = append(all, entries(ctx, since, "GROUP=NET", "--grep=^error writing to socket")...)
		resource.SortStable(all, func(a, b entry) int {
			return cmp.Or(cmp.Compare(len(a.At), len(b.At)), cmp.Compare(a.At, b.At))
		})
	}
	lines := make([]reason.Line, 0, len(all))
	for _, e := range all {
		if text, ok := e.Text.(string); ok {
			lines = append(lines, reason.Line{SA: e.SA, Name: e.Name, Text: text})
		}
	}
	return lines
}

func entries(ctx context.Context, since time.Time, matches ...string) []entry {
	// With --since alone, journalctl counts its lines from there, and not from the end.
	args := append([]string{
		"--quiet", "--no-pager", "--reverse", "--output=json", "--output-fields=MESSAGE,IKE_SA_NAME,IKE_SA_UNIQUE_ID",
		"--since=@" + strconv.FormatInt(since.Unix(), 10), "--lines=" + strconv.Itoa(lastLines), "_SYSTEMD_UNIT=" + Unit,
	}, matches...)
	out, err := exec.CommandContext(ctx, "journalctl", args...).Output()
	if err != nil {
		return nil
	}
	var all []entry
	for line := range strings.Lines(string(out)) {
		var e entry
		if json.Unmarshal([]byte(line), &e) == nil {
			all = append(all, e)
		}
	}
	slices.Reverse(all)
	return all
}
