// Package journal writes the records of a log as journald(8) keeps them: a line
// for people, and a field for each attribute (VPND_ID, VPND_ACTION and so on) for
// programs, as in journalctl VPND_ACTION=update.
package journal

import (
	"context"
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	slogjournal "github.com/systemd/slog-journal"
)

// NewLog returns a log of that level. Where the standard error of this process is
// a stream to journald, the records go there with their fields; elsewhere they are
// lines of text for w.
func NewLog(w io.Writer, level slog.Level) *slog.Logger {
	if yes, err := journal.StderrIsJournalStream(); yes && err == nil {
		if h := newHandler(level); h != nil {
			return slog.New(h)
		}
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// Direct returns a log that writes to journald whatever the streams of this
// process are, nil where there is none. It keeps a socket.
func Direct() *slog.Logger {
	if !journal.Enabled() {
		return nil
	}
	h := newHandler(slog.LevelInfo)
	if h == nil {
		return nil
	}
	return slog.New(h)
}

func newHandler(level slog.Level) slog.Handler {
	fields, err := slogjournal.NewHandler(&slogjournal.Options{Level: level, ReplaceAttr: field})
	if err != nil {
		return nil
	}
	return handler{Handler: fields}
}

// A handler adds all attributes to the message for people, where journalctl shows
// nothing else. Groups are no part of our records.
type handler struct {
	slog.Handler        // has journald told of the fields
	given        string // attributes of the logger, as text
}

// Handle sends a record. Time and place in the source are left out: journald has
// a clock, and the place would be that of the machine that built this.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	var attrs []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	out := slog.NewRecord(time.Time{}, r.Level, r.Message+h.given+text(attrs), 0)
	out.AddAttrs(attrs...)
	return h.Handler.Handle(ctx, out)
}

// WithAttrs returns a handler that adds attributes to each record.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.given + text(attrs)}
}

// WithGroup returns the handler itself.
func (h handler) WithGroup(string) slog.Handler { return h }

func text(attrs []slog.Attr) string {
	var b strings.Builder
	for _, a := range attrs {
		fmt.Fprintf(&b, " %s=%s", a.Key, quotedWhereNeeded(words(a.Value.Resolve())))
	}
	return b.String()
}

// field returns what journald is told of an attribute.
func field(_ []string, a slog.Attr) slog.Attr {
	return slog.String("VPND_"+fieldName(a.Key), words(a.Value))
}

// words writes a value as people and programs read it.
func words(v slog.Value) string {
	if m, ok := v.Any().(encoding.TextMarshaler); ok && v.Kind() == slog.KindAny {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	return v.String()
}

func quotedWhereNeeded(s string) string {
	if s == "" || strings.ContainsAny(s, " \n\t=") {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// fieldName makes a name as journald wants it: capitals, digits, underscores.
func fieldName(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(key))
}
