package journal

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// sink stands for what speaks to journald: it keeps the last record, and its
// fields as they are made for that.
type sink struct {
	slog.Handler // of groups, of which ours has none
	last         *slog.Record
	fields       map[string]string
	given        []slog.Attr
}

func (s sink) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (s sink) Handle(_ context.Context, r slog.Record) error {
	*s.last = r
	clear(s.fields)
	add := func(a slog.Attr) bool {
		a.Value = a.Value.Resolve()
		a = field(nil, a)
		s.fields[a.Key] = a.Value.String()
		return true
	}
	for _, a := range s.given {
		add(a)
	}
	r.Attrs(add)
	return nil
}

func (s sink) WithAttrs(attrs []slog.Attr) slog.Handler {
	s.given = append(s.given, attrs...)
	return s
}

func TestRecordHasFieldsAndALineForPeople(t *testing.T) {
	s := sink{last: new(slog.Record), fields: make(map[string]string)}
	log := slog.New(handler{Handler: s})
	log.Debug("not wanted")
	if s.last.Message != "" {
		t.Errorf("%q was sent", s.last.Message)
	}
	log.With("by", "evil (process 7)").WithGroup("g").Warn("drifted", "id", resource.ID{Kind: "sysctl", Name: "net.x"}, "attr", "a\nb", "error", errors.New("no"), "key", resource.NewSecret("hidden"))
	want := map[string]string{"VPND_ID": `sysctl["net.x"]`, "VPND_BY": "evil (process 7)", "VPND_ATTR": "a\nb", "VPND_ERROR": "no", "VPND_KEY": resource.Masked}
	for key, value := range want {
		if s.fields[key] != value {
			t.Errorf("%s is %q instead of %q", key, s.fields[key], value)
		}
	}
	if len(s.fields) != len(want) || s.last.Level != slog.LevelWarn || s.last.PC != 0 || !s.last.Time.IsZero() {
		t.Errorf("%v, %+v", s.fields, s.last)
	}
	if m := s.last.Message; !strings.HasPrefix(m, `drifted by="evil (process 7)" id=sysctl`) || strings.Contains(m, "\n") || strings.Contains(m, "hidden") {
		t.Errorf("message: %s", m)
	}
}

func TestNamesOfFields(t *testing.T) {
	for key, want := range map[string]string{"id": "ID", "took": "TOOK", "a-b c": "A_B_C", "größe": "GR__E", "x9": "X9"} {
		if got := fieldName(key); got != want {
			t.Errorf("%q becomes %q instead of %q", key, got, want)
		}
	}
}
