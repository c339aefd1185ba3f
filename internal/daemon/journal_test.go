package daemon

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/journal"

	"vpnd/internal/resource"
)

func TestJournalHasFields(t *testing.T) {
	var message string
	var level journal.Priority
	var fields map[string]string
	h := &journald{level: slog.LevelInfo, send: func(m string, p journal.Priority, f map[string]string) error {
		message, level, fields = m, p, f
		return nil
	}}
	log := slog.New(h)
	log.Debug("not wanted")
	if message != "" {
		t.Errorf("%q was sent", message)
	}
	log.With("by", "evil (process 7)").Warn("drifted", "id", resource.ID{Kind: "sysctl", Name: "net.x"}, "attr", "a\nb", "error", errors.New("no"), "key", resource.NewSecret("hidden"))
	want := map[string]string{"VPND_ID": `sysctl["net.x"]`, "VPND_BY": "evil (process 7)", "VPND_ATTR": "a\nb", "VPND_ERROR": "no", "VPND_KEY": resource.Masked}
	for key, value := range want {
		if fields[key] != value {
			t.Errorf("%s is %q instead of %q", key, fields[key], value)
		}
	}
	if len(fields) != len(want) || level != journal.PriWarning {
		t.Errorf("%v, %v", fields, level)
	}
	if !strings.HasPrefix(message, `drifted by="evil (process 7)" id=sysctl`) || strings.Contains(message, "\n") || strings.Contains(message, "hidden") {
		t.Errorf("message: %s", message)
	}
}

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

func TestPriorities(t *testing.T) {
	for level, want := range map[slog.Level]journal.Priority{
		slog.LevelError: journal.PriErr, slog.LevelWarn: journal.PriWarning, slog.LevelInfo: journal.PriInfo, slog.LevelDebug: journal.PriDebug,
	} {
		if got := priority(level); got != want {
			t.Errorf("%s: %d instead of %d", level, got, want)
		}
	}
}
