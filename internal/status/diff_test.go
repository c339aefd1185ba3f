package status

import (
	"strings"
	"testing"
)

func TestLongValuesAreCutToWhatMoved(t *testing.T) {
	head, tail := strings.Repeat("head ä ", 100), strings.Repeat(" tail ö", 100)
	a, b := narrow(head+"one"+tail, head+"three"+tail)
	for _, s := range []string{a, b} {
		if len(s) > 150 || !strings.HasPrefix(s, "…") || !strings.HasSuffix(s, "…") || strings.ContainsRune(s, '\uFFFD') {
			t.Errorf("%q", s)
		}
	}
	if !strings.Contains(a, "one") || !strings.Contains(b, "three") {
		t.Errorf("%q, %q", a, b)
	}
	if a, b := narrow("", strings.Repeat("x", 5000)); a != "" || len(b) > 500 {
		t.Errorf("%q, %d bytes", a, len(b))
	}
	if a, b := narrow("short", "shorter"); a != "short" || b != "shorter" {
		t.Errorf("%q, %q", a, b)
	}
}
