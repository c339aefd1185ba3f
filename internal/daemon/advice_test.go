package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"vpnd/internal/engine"
	"vpnd/internal/notify"
	"vpnd/internal/resource"
)

// TestAdvice looks at parts: each renews what is about it, and only that.
func TestAdvice(t *testing.T) {
	var log bytes.Buffer
	a := &agent{Options: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	a1, b1 := resource.ID{Kind: "unit", Name: "a"}, resource.ID{Kind: "unit", Name: "b"}
	all := resource.ID{Kind: "chain"}
	look := func(s scope, notes ...engine.Note) string {
		log.Reset()
		(&look{agent: a, scope: s}).advise(&engine.Plan{Notes: notes})
		return strings.Join(a.status.Notes, "; ")
	}
	at := func(ids ...resource.ID) scope {
		s := scope{ids: make(map[resource.ID]bool)}
		for _, id := range ids {
			s.ids[id] = true
		}
		return s
	}
	for _, c := range []struct {
		what, got, want string
	}{
		{"all", look(scope{whole: true}, engine.Note{ID: b1, Text: "old"}, engine.Note{ID: all, Text: "legacy"}), "legacy; b: old"},
		{"a part", look(at(a1), engine.Note{ID: a1, Text: "new"}), "legacy; a: new; b: old"},
		{"the same", look(at(a1), engine.Note{ID: a1, Text: "new"}), "legacy; a: new; b: old"},
		{"another part", look(at(b1)), "legacy; a: new"},
		{"one of a kind", look(at(resource.ID{Kind: "chain", Name: "ip/nat/X"})), "a: new"},
		{"all again", look(scope{whole: true}), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q instead of %q", c.what, c.got, c.want)
		}
	}
	look(scope{whole: true}, engine.Note{ID: a1, Text: "new"})
	if want := "level=INFO msg=\"it is worth knowing\" id=unit.a note=new\n"; !strings.HasSuffix(log.String(), want) {
		t.Errorf("the journal: %s", log.String())
	}
	if look(scope{whole: true}, engine.Note{ID: a1, Text: "new"}); log.Len() > 0 {
		t.Errorf("told again: %s", log.String())
	}
}

// What somebody has just made so is told with their name, for as long as it is so.
func TestAdviceNamesTheWriter(t *testing.T) {
	var log bytes.Buffer
	a := &agent{Options: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, notify: notify.New(slog.New(slog.DiscardHandler))}
	defer a.notify.Close()
	id := resource.ID{Kind: "chain", Name: "ip/filter/VPND-X"}
	note := &engine.Plan{Notes: []engine.Note{{ID: id, Text: "overruled"}}}
	l := &look{agent: a, scope: scope{whole: true}, hints: []resource.Hint{{Kind: "chain", Name: id.Name, By: "iptables (process 7)"}}}
	const want = "ip/filter/VPND-X: overruled (written by iptables (process 7))"
	for _, l := range []*look{l, {agent: a, scope: scope{whole: true}}} {
		if l.advise(note); len(a.status.Notes) != 1 || a.status.Notes[0] != want {
			t.Errorf("%q", a.status.Notes)
		}
	}
	if said := "level=WARN msg=\"it is worth knowing\" id=\"chain[\\\"ip/filter/VPND-X\\\"]\" note=overruled by=\"iptables (process 7)\"\n"; !strings.HasSuffix(log.String(), said) {
		t.Errorf("the journal: %s", log.String())
	}
}
