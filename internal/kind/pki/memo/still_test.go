package memo

import (
	"path/filepath"
	"testing"
	"time"

	"vpnd/internal/atomic"
)

// A file that stays is known again, by the next process too, and one of which anything
// has changed is not.
func TestAFileThatStaysIsKnownAgain(t *testing.T) {
	now := time.Now()
	dir := filepath.Join(t.TempDir(), "cache")
	m := Open(dir)
	as := atomic.Info{Mode: 0o600, Size: 3, Changed: now.Add(-time.Minute), Modified: now.Add(-time.Hour), Device: 1, Inode: 7}
	if !m.Saw("q", "/a", as, now, "answer") {
		t.Fatal("it is not remembered")
	}
	m.Keep()
	for who, m := range map[string]*Memo{"this process": m, "the next": Open(dir)} {
		if text, still := m.Still("q", "/a", as); !still || text != "answer" {
			t.Errorf("%s: %q, %v", who, text, still)
		}
		for what, other := range map[string]func(i *atomic.Info) (question, path string){
			"another question": func(*atomic.Info) (string, string) { return "r", "/a" },
			"another path":     func(*atomic.Info) (string, string) { return "q", "/b" },
			"another content":  func(i *atomic.Info) (string, string) { i.Changed = i.Changed.Add(1); return "q", "/a" },
			"another time":     func(i *atomic.Info) (string, string) { i.Modified = i.Modified.Add(1); return "q", "/a" },
			"another size":     func(i *atomic.Info) (string, string) { i.Size++; return "q", "/a" },
			"another file":     func(i *atomic.Info) (string, string) { i.Inode++; return "q", "/a" },
			"another disk":     func(i *atomic.Info) (string, string) { i.Device++; return "q", "/a" },
			"another owner":    func(i *atomic.Info) (string, string) { i.UID++; return "q", "/a" },
			"another group":    func(i *atomic.Info) (string, string) { i.GID++; return "q", "/a" },
			"other rights":     func(i *atomic.Info) (string, string) { i.Mode = 0o644; return "q", "/a" },
		} {
			is := as
			question, path := other(&is)
			if text, still := m.Still(question, path, is); still {
				t.Errorf("%s, %s passes for the same, and holds %q", who, what, text)
			}
		}
	}
}

// Another boot reads all files again: while the host was off, somebody may have written
// to its disk.
func TestNothingIsKnownAgainAfterABoot(t *testing.T) {
	now := time.Now()
	dir := filepath.Join(t.TempDir(), "cache")
	m := Open(dir)
	as := atomic.Info{Mode: 0o600, Changed: now.Add(-time.Minute)}
	m.Saw("q", "/a", as, now, "answer")
	asked(t, m, "q", "of the content", "about")
	m.Keep()
	next := Open(dir)
	for _, next.boot = range []string{"another", ""} {
		if _, still := next.Still("q", "/a", as); still {
			t.Errorf("in boot %q it was not read again", next.boot)
		}
	}
	if next.Saw("q", "/a", as, now, "answer") {
		t.Error("it is remembered for nobody knows which boot")
	}
	if asked(t, next, "q", "of the content", "about") {
		t.Error("what was worked out of the content holds for any boot")
	}
}

// What can change without a trace is not remembered, and what changed is so as it was
// seen last.
func TestWhatIsSeenIsSeenAsItIs(t *testing.T) {
	now := time.Now()
	m := Open("")
	young := atomic.Info{Mode: 0o600, Changed: now.Add(-time.Second)}
	if m.Saw("q", "/a", young, now, "answer") {
		t.Error("a file that changed just now is taken for one that stays")
	}
	first := atomic.Info{Mode: 0o600, Changed: now.Add(-time.Hour)}
	second := atomic.Info{Mode: 0o600, Changed: now.Add(-time.Minute)}
	m.Saw("q", "/a", first, now, "one")
	m.Saw("q", "/a", second, now, "two")
	if _, still := m.Still("q", "/a", first); still {
		t.Error("what it was before is still believed")
	}
	if text, still := m.Still("q", "/a", second); !still || text != "two" {
		t.Errorf("%q, %v", text, still)
	}
	if n := len(m.known); n != 1 {
		t.Errorf("%d answers are kept of one file", n)
	}
}

// Texts that are joined come apart as they were, and nothing else does.
func TestJoin(t *testing.T) {
	long := string(make([]byte, 300))
	for _, parts := range [][]string{{}, {""}, {"a", "", long, "b"}, {Join("x", "y"), ""}} {
		got, ok := Split(Join(parts...))
		if !ok || len(got) != len(parts) {
			t.Fatalf("%q, %v", got, ok)
		}
		for i := range parts {
			if got[i] != parts[i] {
				t.Errorf("%q instead of %q", got[i], parts[i])
			}
		}
	}
	for _, text := range []string{"\x02a", "\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a"} {
		if parts, ok := Split(text); ok {
			t.Errorf("%q was taken apart into %q", text, parts)
		}
	}
}
