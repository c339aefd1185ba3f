package pkg

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestExecTellsWhatAProgramSaid(t *testing.T) {
	r, err := Exec(t.Context(), "sh", "-c", "echo $LC_ALL; seq 100000; echo no >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(r.Stdout, "C\n1\n2\n") || !strings.HasSuffix(r.Stdout, "\n100000\n") || r.Stderr != "no\n" || r.Status != 3 {
		t.Errorf("status %d, %d bytes of output, complaint %q", r.Status, len(r.Stdout), r.Stderr)
	}
}

func TestExecInterrupts(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := Exec(ctx, "sleep", "60"); err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("sleep ended after %s with %v", time.Since(start), err)
	}
}
