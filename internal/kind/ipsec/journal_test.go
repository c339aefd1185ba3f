package ipsec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// journalctl is one that has a line more than is read, and shows as many as it is told
// to: those that came first, or with --reverse those that came last.
const journalctl = `#!/bin/sh
for word; do
	case $word in
	--lines=*) most=${word#--lines=} ;;
	--reverse) order=1 ;;
	esac
done
i=0
while [ $i -lt $most ]; do
	n=$i
	[ -z "$order" ] || n=$((most - i))
	echo "{\"MESSAGE\": \"$n\", \"IKE_SA_NAME\": \"dc\", \"IKE_SA_UNIQUE_ID\": \"1\"}"
	i=$((i + 1))
done
`

// Of a long journal the end is read, in the order in which it was written.
func TestTheEndOfTheJournalIsRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "journalctl"), []byte(journalctl), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	all := Journal(t.Context(), time.Now())
	if len(all) != lastLines {
		t.Fatalf("%d lines", len(all))
	}
	var texts []string
	for _, line := range []int{0, 1, lastLines - 1} {
		texts = append(texts, all[line].Text)
	}
	if got, want := strings.Join(texts, " "), fmt.Sprintf("1 2 %d", lastLines); got != want || all[0].SA != "1" || all[0].Name != "dc" {
		t.Errorf("%s, not %s: %+v", got, want, all[0])
	}
}
