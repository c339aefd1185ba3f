package active

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config"
	"vpnd/internal/config/configtest"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// thing is the shape of a kind.
type thing struct {
	Text *string `vpnd:"text"`
}

// activate makes all of a configuration active.
func activate(store *state.Store, cfg *config.Config, now time.Time) error {
	w, err := Next(store, cfg, nil)
	if err != nil {
		return err
	}
	return Activate(store, w, now)
}

// An apply that was killed is gone on with by the same one, and by no other.
func TestResumes(t *testing.T) {
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	wish := func(text string) *config.Config {
		cfg := &config.Config{}
		cfg.Desired.Present = []resource.Resource{{ID: resource.ID{Kind: "thing", Name: "a"}, Want: &thing{Text: &text}}}
		return cfg
	}
	resumes := func(text, want string) {
		t.Helper()
		next, err := Next(store, wish(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Resumes(store, next); got != want || err != nil {
			t.Errorf("%q, %v instead of %q", got, err, want)
		}
	}
	resumes("1", "")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	snap := &state.Snapshot{Taken: now.Add(time.Second)}
	if err := errors.Join(activate(store, wish("1"), now), store.SaveSnapshot(snap)); err != nil {
		t.Fatal(err)
	}
	resumes("1", snap.Name)
	resumes("2", "")
	if err := store.Note(state.Entry{Command: "apply", Snapshot: snap.Name}); err != nil {
		t.Fatal(err)
	}
	resumes("1", "")
}

// Of the wishes before, the last one is kept: an undo goes back one apply, and
// the state must not grow with each.
func TestOnlyOneWishBeforeIsKept(t *testing.T) {
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for i := range 5 {
		cfg := &config.Config{}
		cfg.Desired.Present = []resource.Resource{{ID: resource.ID{Kind: "thing", Name: "a"}, Want: &thing{Text: resource.Ptr(fmt.Sprint(i))}}}
		if err := activate(store, cfg, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	w, err := store.Wish()
	if err != nil || w.Before == nil || w.Before.Before != nil || string(w.Before.Present[0].Shape) != `{"text":"3"}` {
		t.Errorf("%+v, %v", w, err)
	}
}

// What came of a document is kept, and not the document: an agent goes on with what
// was applied when the file has changed, or has gone.
func TestADocumentIsNotReadAgain(t *testing.T) {
	dir := configtest.Files(t, map[string]string{"a.hcl": "dial \"office\" {\n  profile = \"office.conf\"\n}\n", "office.conf": "good, and hush"})
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	load := func() (*config.Config, hcl.Diagnostics) {
		return config.Load(config.Source{Paths: []string{dir}}, configtest.Catalog(), "")
	}
	cfg, diags := load()
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if err := activate(store, cfg, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "office.conf")); err != nil {
		t.Fatal(err)
	}
	if _, diags := load(); !diags.HasErrors() {
		t.Fatal("the files are good without the document")
	}
	f, err := Read(configtest.Catalog(), store)
	if err != nil || f == nil || len(f.Present) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	if got := f.Present[0].Want.(*configtest.SecretFile).Content.Reveal(); got != "good, and hush" {
		t.Errorf("it goes on with %q", got)
	}
}
