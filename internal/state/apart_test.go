package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

type box struct {
	Label  *string          `vpnd:"label"`
	Secret *resource.Secret `vpnd:"secret"`
}

func boxed(t *testing.T, name, secret string) Was {
	t.Helper()
	was, err := NewWas(resource.Resource{ID: id(name)}, &box{Label: resource.Ptr(name), Secret: resource.NewSecret(secret)})
	if err != nil || !was.Secret {
		t.Fatal(was, err)
	}
	return was
}

func bare(t *testing.T, name string) Was {
	t.Helper()
	was, err := NewWas(resource.Resource{ID: id(name)}, &box{Label: resource.Ptr(name)})
	if err != nil || was.Secret {
		t.Fatal(was, err)
	}
	return was
}

// hushed returns the files of the state that hold a word which begins with
// "hush-", and their words.
func hushed(t *testing.T, dir string) (files, words []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if i := bytes.Index(data, []byte("hush-")); i >= 0 {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, rel)
		}
		for _, part := range strings.Split(string(data), "hush-")[1:] {
			if word, _, _ := strings.Cut(part, `"`); len(word) == 1 {
				words = append(words, word)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(words)
	return files, slices.Compact(words)
}

// A secret stands apart from what is in force and from what undoes it, and goes
// with the last of these.
func TestSecretsStandApart(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	wish := &Wish{
		Present: []Was{boxed(t, "a", "hush-a"), bare(t, "b")}, Settings: []byte(`{"url":"https://x/hush-s"}`), Checks: []byte(`["hush-c"]`),
		Before: &Wish{Present: []Was{boxed(t, "a", "hush-o")}, Settings: []byte(`{"url":"https://x/hush-p"}`)},
	}
	snap := &Snapshot{Taken: at, Present: []Was{boxed(t, "a", "hush-x"), bare(t, "b")}, Priors: map[string]json.RawMessage{"a.json": []byte(`"hush-y"`)}}
	if err := errors.Join(s.Sign(wish), s.KeepWish(wish), s.SaveSnapshot(snap)); err != nil {
		t.Fatal(err)
	}
	files, words := hushed(t, dir)
	if len(files) != 2 || slices.ContainsFunc(files, func(f string) bool { return !strings.HasPrefix(f, "secrets/") }) || fmt.Sprint(words) != "[a c o p s x y]" {
		t.Errorf("%q in %q", words, files)
	}
	again := open1(t, dir)
	got, err := again.Wish()
	if err != nil {
		t.Fatal(err)
	}
	same := func(what string, a, b any) {
		t.Helper()
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if !bytes.Equal(x, y) {
			t.Errorf("%s:\n%s\n%s", what, x, y)
		}
	}
	same("a wish", got.Present, wish.Present)
	same("its settings", got.Settings, wish.Settings)
	same("its checks", got.Checks, wish.Checks)
	same("the one before", got.Before, wish.Before)
	undo, err := again.Snapshot("")
	if err != nil {
		t.Fatal(err)
	}
	same("a snapshot", undo.Present, snap.Present)
	same("its priors", undo.Priors, snap.Priors)

	wish.Before, wish.Present = nil, []Was{boxed(t, "a", "hush-n")}
	if err := s.KeepWish(wish); err != nil {
		t.Fatal(err)
	}
	if _, words := hushed(t, dir); fmt.Sprint(words) != "[c n s x y]" {
		t.Errorf("after the next one: %q", words)
	}
	if err := s.DropSnapshot(undo.Name); err != nil {
		t.Fatal(err)
	}
	if _, words := hushed(t, dir); fmt.Sprint(words) != "[c n s]" {
		t.Errorf("after the snapshot has gone: %q", words)
	}
	if _, err := s.Purge(at); err != nil {
		t.Fatal(err)
	}
	if files, _ := hushed(t, dir); len(files) > 0 {
		t.Errorf("after a purge: %q", files)
	}
	if _, err := os.Lstat(filepath.Join(dir, "key")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the key of the digests is left")
	}
	if got, err := open1(t, dir).Wish(); err != nil || got == nil || len(got.Present) > 0 {
		t.Errorf("after a purge %+v is in force, %v", got, err)
	}
}

// The oldest snapshots are forgotten, and their secrets with them.
func TestSecretsGoWithTheirSnapshots(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	for i := range keepSnapshots + 3 {
		at := time.Date(2026, 1, 2, 3, 4, i, 0, time.UTC)
		if err := s.SaveSnapshot(&Snapshot{Taken: at, Present: []Was{boxed(t, "a", fmt.Sprint("hush-", i))}}); err != nil {
			t.Fatal(err)
		}
	}
	if files, _ := hushed(t, dir); len(files) != keepSnapshots {
		t.Errorf("secrets of %d snapshots", len(files))
	}
}

// Whenever vpnd is killed while it puts another configuration in force, the one
// that is there has its secrets, and those of no other are left after the next
// one has opened the state.
func TestSecretsOfAKilledVpnd(t *testing.T) {
	for _, step := range []string{"before the file", "after it"} {
		dir := t.TempDir()
		s := open1(t, dir)
		wish := &Wish{Present: []Was{boxed(t, "a", "hush-1")}}
		if err := s.KeepWish(wish); err != nil {
			t.Fatal(err)
		}
		older := make(map[string][]byte)
		for _, name := range []string{"wish.json", "records.jsonl", markFile} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			older[name] = data
		}
		names, err := s.apart()
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		left := filepath.Join(dir, "secrets", names[0])
		apart, err := os.ReadFile(left)
		if err != nil {
			t.Fatal(err)
		}
		next := &Wish{Present: []Was{boxed(t, "a", "hush-2")}}
		if err := s.KeepWish(next); err != nil {
			t.Fatal(err)
		}
		want := "hush-2"
		if step == "before the file" { // the new secrets are there, the new file is not
			want = "hush-1"
			for name, data := range older {
				err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), data, 0o600))
			}
		}
		if err := errors.Join(err, os.WriteFile(left, apart, 0o600)); err != nil {
			t.Fatal(err)
		}
		got, err := open1(t, dir).Wish()
		if err != nil || !strings.Contains(string(got.Present[0].Shape), want) {
			t.Errorf("%s: %v", step, err)
		}
		if _, words := hushed(t, dir); len(words) != 1 {
			t.Errorf("%s: %q are left", step, words)
		}
	}
}

// What is missing is said, with a way out.
func TestSecretsThatAreLost(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	if err := errors.Join(s.KeepWish(&Wish{Present: []Was{boxed(t, "a", "x")}}), s.SaveSnapshot(&Snapshot{Present: []Was{boxed(t, "a", "x")}}), os.RemoveAll(filepath.Join(dir, "secrets"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wish(); err == nil || !strings.Contains(err.Error(), dir+"/wish.json is damaged") || !strings.Contains(err.Error(), "vpnd apply") {
		t.Error(err)
	}
	if _, err := s.Snapshot(""); err == nil || !strings.Contains(err.Error(), "vpnd history lists others") {
		t.Error(err)
	}
}

// A state of 0.1.0 holds secrets in its files, and none once this vpnd has opened
// it for changing. All reads as before.
func TestStateOfAnEarlierVpnd(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	old := `{"fingerprint":"f","since":"2026-01-02T03:04:05Z","present":[{"id":"thing.a","shape":{"label":"a","secret":"hush-1"}},{"id":"thing.b","shape":{"label":"b"}}],` +
		`"settings":{"mode":"enforce"},"before":{"fingerprint":"e","since":"2026-01-01T03:04:05Z","present":[{"id":"thing.a","shape":{"label":"a","secret":"hush-0"}}],"settings":{}}}`
	snap := `{"name":"20260102T030405.000000Z","taken":"2026-01-02T03:04:05Z","present":[{"id":"thing.a","shape":{"label":"a","secret":"hush-2"}}],"absent":null,"records":null,"priors":{"x":"hush-3"}}`
	err := errors.Join(os.Mkdir(filepath.Join(dir, "snapshots"), 0o700), os.WriteFile(filepath.Join(dir, "wish.json"), []byte(old), 0o600),
		os.WriteFile(filepath.Join(dir, "snapshots", "20260102T030405.000000Z.json"), []byte(snap), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	secret := func(was Was) bool { return strings.Contains(string(was.Shape), `"secret"`) }
	for range 2 {
		if err := s.SetApart(secret); err != nil {
			t.Fatal(err)
		}
		files, words := hushed(t, dir)
		if slices.ContainsFunc(files, func(f string) bool { return !strings.HasPrefix(f, "secrets/") }) || len(words) != 4 {
			t.Errorf("%q in %q", words, files)
		}
		w, err := s.Wish()
		if err != nil || w.Fingerprint != "f" || string(w.Present[0].Shape) != `{"label":"a","secret":"hush-1"}` ||
			string(w.Before.Present[0].Shape) != `{"label":"a","secret":"hush-0"}` || string(w.Settings) != `{"mode":"enforce"}` {
			t.Errorf("%+v %v", w, err)
		}
		u, err := s.Snapshot("")
		if err != nil || string(u.Present[0].Shape) != `{"label":"a","secret":"hush-2"}` || string(u.Priors["x"]) != `"hush-3"` {
			t.Errorf("%+v %v", u, err)
		}
	}
}
