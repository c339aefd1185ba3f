package lab

import (
	"fmt"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	var log tail
	for i := range 1000 {
		fmt.Fprintf(&log, "line %d\n", i)
	}
	got := log.String()
	if !strings.HasPrefix(got, "line ") || !strings.HasSuffix(got, "\nline 999") || len(got) > tailSize {
		t.Errorf("the tail is %q", got)
	}
	var short tail
	fmt.Fprintln(&short, "only")
	if got := short.String(); got != "only" {
		t.Errorf("the tail is %q", got)
	}
}
