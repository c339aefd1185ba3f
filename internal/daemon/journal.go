package daemon

import (
	"context"
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
)

// NewLog returns a log of that level. Where w is a stream to journald, the
// records go there with a field for each attribute (VPND_ID, VPND_ACTION and so
// on); elsewhere they are lines of text.
func NewLog(w io.Writer, level slog.Level) *slog.Logger {
	if yes, err := journal.StderrIsJournalStream(); yes && err == nil {
		return slog.New(&journald{level: level, send: journal.Send})
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// Journal returns a log that writes to journald whatever the streams of this
// process are, nil where there is none.
func Journal() *slog.Logger {
	if !journal.Enabled() {
		return nil
	}
	return slog.New(&journald{level: slog.LevelInfo, send: journal.Send})
}

// journald is a handler that sends records to systemd-journald(8) by its own
// protocol. Groups are no part of our records.
type journald struct {
	level slog.Level
	send  func(message string, p journal.Priority, fields map[string]string) error
	text  string            // of attributes given to the logger
	extra map[string]string // the same as fields
}

// Enabled says whether records of that level are wanted.
func (j *journald) Enabled(_ context.Context, level slog.Level) bool { return level >= j.level }

// Handle sends a record: its message with all attributes for people, and each
// attribute as a field for programs.
func (j *journald) Handle(_ context.Context, r slog.Record) error {
	h := j.with(nil)
	r.Attrs(func(a slog.Attr) bool {
		h.add(a)
		return true
	})
	return j.send(r.Message+h.text, priority(r.Level), h.extra)
}

// WithAttrs returns a handler that adds attributes to each record.
func (j *journald) WithAttrs(attrs []slog.Attr) slog.Handler { return j.with(attrs) }

// WithGroup returns the handler itself.
func (j *journald) WithGroup(string) slog.Handler { return j }

func (j *journald) with(attrs []slog.Attr) *journald {
	h := *j
	h.extra = maps.Clone(j.extra)
	if h.extra == nil {
		h.extra = make(map[string]string)
	}
	for _, a := range attrs {
		h.add(a)
	}
	return &h
}

func (j *journald) add(a slog.Attr) {
	text := words(a.Value.Resolve())
	j.text += fmt.Sprintf(" %s=%s", a.Key, quotedWhereNeeded(text))
	j.extra["VPND_"+fieldName(a.Key)] = text
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

func priority(l slog.Level) journal.Priority {
	switch {
	case l >= slog.LevelError:
		return journal.PriErr
	case l >= slog.LevelWarn:
		return journal.PriWarning
	case l >= slog.LevelInfo:
		return journal.PriInfo
	default:
		return journal.PriDebug
	}
}
