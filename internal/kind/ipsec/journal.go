package ipsec

import (
	"context"
	"encoding/json"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/kind/ipsec/reason"
)

// Unit is strongSwan's on Debian; its charon is told of by what it writes to the
// journal.
const Unit = "strongswan.service"

// lastLines is how much of the journal is read: some minutes of many tunnels that
// are tried again and again.
const lastLines = 3000

// Journal returns what charon logged since, the last of it where that is much.
// Nothing is returned where there is no journal: then nobody knows.
func Journal(ctx context.Context, since time.Time) []reason.Line {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// With --since alone, journalctl counts its lines from there, and not from the end.
	out, err := exec.CommandContext(ctx, "journalctl", "--quiet", "--no-pager", "--reverse", "--output=json",
		"--output-fields=MESSAGE,IKE_SA_NAME,IKE_SA_UNIQUE_ID", "--since=@"+strconv.FormatInt(since.Unix(), 10),
		"--lines="+strconv.Itoa(lastLines), "_SYSTEMD_UNIT="+Unit).Output()
	if err != nil {
		return nil
	}
	var all []reason.Line
	for line := range strings.Lines(string(out)) {
		var entry struct {
			Text any    `json:"MESSAGE"` // a list of bytes where it is no text
			Name string `json:"IKE_SA_NAME"`
			SA   string `json:"IKE_SA_UNIQUE_ID"`
		}
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		if text, ok := entry.Text.(string); ok {
			all = append(all, reason.Line{SA: entry.SA, Name: entry.Name, Text: text})
		}
	}
	slices.Reverse(all)
	return all
}
