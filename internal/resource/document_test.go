package resource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Whatever prints a document, alone or in its shape, tells its path and nothing of
// what is in it.
func TestDocumentTellsItsPathAlone(t *testing.T) {
	type shape struct {
		From *Document `vpnd:"from" doc:"a file"`
	}
	d := NewDocument("vpn.xml", "hush")
	s := &shape{From: d}
	written, err := json.Marshal(struct{ A Document }{*d})
	if err != nil {
		t.Fatal(err)
	}
	state, err := Encode(s, Reveal)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("a", "d", d, "e", *d, "s", s)
	said := []string{
		fmt.Sprint(d, *d, s), fmt.Sprintf("%v %+v %#v %s %q %x %d", d, *d, *s, d, d, d, d), string(written), string(state), log.String(),
		fmt.Sprint(Describe(s)),
	}
	for _, text := range said {
		if strings.Contains(text, "hush") || strings.Contains(text, fmt.Sprintf("%x", "hush")) {
			t.Errorf("it tells: %s", text)
		}
	}
	if all := strings.Join(said, ""); strings.Count(all, "vpn.xml") < 10 {
		t.Errorf("it does not tell which it is: %s", all)
	}
	if d.Reveal() != "hush" || d.Path() != "vpn.xml" {
		t.Error("it does not have what it was made of")
	}
}

func TestDocumentIsReadFromItsPath(t *testing.T) {
	d := NewDocument("a", "hush")
	if err := d.UnmarshalText([]byte("b")); err != nil || d.Path() != "b" || d.Reveal() != "" {
		t.Errorf("%v: it is %s, with %q", err, d, d.Reveal())
	}
	if d.UnmarshalText(nil) == nil {
		t.Error("a path of nothing is taken")
	}
}
