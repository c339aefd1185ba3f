package memo

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// asked asks a memo and says whether it had to be worked out.
func asked(t *testing.T, m *Memo, question, answer string, about ...string) (worked bool) {
	t.Helper()
	var parts [][]byte
	for _, a := range about {
		parts = append(parts, []byte(a))
	}
	text, ok := m.Of(question, func() (string, bool) { worked = true; return answer, true }, parts...)
	if !ok || text != answer {
		t.Errorf("%s of %q is %q, %v", question, about, text, ok)
	}
	return worked
}

func TestTheContentIsTheQuestion(t *testing.T) {
	m := Open("")
	for _, about := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}} {
		if !asked(t, m, "q", "of "+about[0], about...) {
			t.Errorf("%q was taken for something else", about)
		}
		if asked(t, m, "q", "of "+about[0], about...) {
			t.Errorf("%q was forgotten", about)
		}
	}
	if !asked(t, m, "qa", "another", "bc") {
		t.Error("another question was taken for the same")
	}
}

func TestWhatCanNotBeWorkedOutIsAskedAgain(t *testing.T) {
	m := Open("")
	if _, ok := m.Of("q", func() (string, bool) { return "", false }, nil); ok {
		t.Error("it was worked out")
	}
	if !asked(t, m, "q", "now", "") {
		t.Error("a failure was remembered")
	}
}

func TestTheNextProcessKnows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	m := Open(dir)
	asked(t, m, "q", "answer", "about")
	asked(t, m, "q", "", "empty")
	m.Keep()
	info, err := os.Stat(m.file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if next := Open(dir); asked(t, next, "q", "answer", "about") || asked(t, next, "q", "", "empty") {
		t.Error("it was worked out again")
	}
}

// What is learnt later is written behind the rest, and all of it is known to the next
// process, as it was learnt last.
func TestWhatIsLearntIsWrittenBehindTheRest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	var before []byte
	for _, about := range []string{"one", "two", "three"} {
		m := Open(dir)
		asked(t, m, "q", "of "+about, about)
		m.learn(sumOf(m.seasoned(), "which", nil), about)
		m.Keep()
		asked(t, m, "r", "of "+about, about)
		m.Keep()
		data, err := os.ReadFile(m.file)
		if err != nil || !bytes.HasPrefix(data, before) || len(data) == len(before) {
			t.Fatalf("after %q it does not begin with what it held before (%v)", about, err)
		}
		before = data
	}
	next := Open(dir)
	for _, about := range []string{"one", "two", "three"} {
		if asked(t, next, "q", "of "+about, about) || asked(t, next, "r", "of "+about, about) {
			t.Errorf("%q was worked out again", about)
		}
	}
	if asked(t, next, "which", "three") {
		t.Error("the last answer was worked out again")
	}
}

// Of a file whose end is wrong the rest counts, and the next process finds a whole one;
// so it does where two processes wrote it.
func TestAnEndThatIsWrongIsWrittenAnew(t *testing.T) {
	for name, spoil := range map[string]func(file string, data []byte, first int) error{
		"cut short":         func(file string, data []byte, _ int) error { return os.WriteFile(file, data[:len(data)-1], 0o600) },
		"cut in its digest": func(file string, data []byte, first int) error { return os.WriteFile(file, data[:first+7], 0o600) },
		"changed": func(file string, data []byte, _ int) error {
			data[len(data)-1] ^= 1
			return os.WriteFile(file, data, 0o600)
		},
		"too long": func(file string, data []byte, first int) error {
			data[first+32] = 0xff
			return os.WriteFile(file, data, 0o600)
		},
	} {
		dir := filepath.Join(t.TempDir(), "cache")
		m := Open(dir)
		asked(t, m, "q", "first", "1")
		m.Keep()
		first := int(m.end)
		asked(t, m, "q", "second", "2")
		m.Keep()
		data, err := os.ReadFile(m.file)
		if err == nil {
			err = spoil(m.file, data, first)
		}
		if err != nil {
			t.Fatal(err)
		}
		next := Open(dir)
		if asked(t, next, "q", "first", "1") || !asked(t, next, "q", "second", "2") {
			t.Errorf("%s: not what is before it, and no more, is known", name)
		}
		next.Keep()
		if last := Open(dir); asked(t, last, "q", "first", "1") || asked(t, last, "q", "second", "2") {
			t.Errorf("%s: the file was not written anew", name)
		}
	}
}

// Of two processes that write at the same time one may lose what it learnt; never is
// something known that neither has learnt.
func TestTwoProcessesDoNotSpoilIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	one := Open(dir)
	asked(t, one, "q", "first", "1")
	one.Keep()
	other := Open(dir)
	asked(t, other, "q", "first", "1")
	asked(t, one, "q", "second", "2")
	asked(t, other, "q", "third", "3")
	one.Keep()
	other.Keep()
	next := Open(dir)
	if asked(t, next, "q", "first", "1") || asked(t, next, "q", "third", "3") {
		t.Error("what was written last is not known")
	}
}

// A file that was cut short, that is damaged or that others may write to is none.
func TestAFileThatMayBeWrongIsNone(t *testing.T) {
	for name, spoil := range map[string]func(file string, data []byte) error{
		"cut short":       func(file string, data []byte) error { return os.WriteFile(file, data[:len(data)-1], 0o600) },
		"empty":           func(file string, _ []byte) error { return os.WriteFile(file, nil, 0o600) },
		"changed":         func(file string, data []byte) error { data[len(data)-1] ^= 1; return os.WriteFile(file, data, 0o600) },
		"writable by all": func(file string, _ []byte) error { return os.Chmod(file, 0o666) },
		"of a group too":  func(file string, _ []byte) error { return os.Chmod(file, 0o660) },
		"somebody else's": func(file string, _ []byte) error {
			if os.Geteuid() != 0 {
				return os.WriteFile(file, nil, 0o600)
			}
			return os.Chown(file, 65534, -1)
		},
		"in a common place": func(file string, _ []byte) error { return os.Chmod(filepath.Dir(file), 0o777) },
		"a link":            func(file string, _ []byte) error { return swap(file) },
	} {
		dir := filepath.Join(t.TempDir(), "cache")
		m := Open(dir)
		asked(t, m, "q", "answer", "about")
		m.Keep()
		data, err := os.ReadFile(m.file)
		if err == nil {
			err = spoil(m.file, data)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !asked(t, Open(dir), "q", "true", "about") {
			t.Errorf("%s: it was believed", name)
		}
	}
}

// What is written goes nowhere else: not by a link, nor where others may put one, and
// nobody else reads it.
func TestAFileIsWrittenInItsPlace(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other")
	for name, lead := range map[string]func(file string) error{
		"a link":            func(file string) error { return os.Symlink(other, file) },
		"in a common place": func(file string) error { return os.Chmod(filepath.Dir(file), 0o777) },
		"readable by all": func(file string) error {
			return errors.Join(os.WriteFile(file, nil, 0o644), os.Chmod(file, 0o644))
		},
	} {
		dir := t.TempDir()
		m := Open(dir)
		if err := errors.Join(os.WriteFile(other, []byte("as it was"), 0o600), lead(m.file)); err != nil {
			t.Fatal(err)
		}
		asked(t, m, "q", "answer", "about")
		m.Keep()
		if data, err := os.ReadFile(other); err != nil || string(data) != "as it was" {
			t.Errorf("%s: %v, the other file holds %d bytes", name, err, len(data))
		}
		info, err := os.Lstat(m.file)
		switch {
		case name == "in a common place" && !errors.Is(err, os.ErrNotExist):
			t.Errorf("%s: it was written, %v", name, err)
		case name == "readable by all" && (err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0):
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// swap puts a link to the file in its place.
func swap(file string) error {
	if err := os.Rename(file, file+".real"); err != nil {
		return err
	}
	return os.Symlink(file+".real", file)
}

// It never grows much beyond what is asked for.
func TestWhatNobodyAsksForIsForgotten(t *testing.T) {
	dir := t.TempDir()
	m := Open(dir)
	for i := range 3 * spare {
		asked(t, m, "q", "a", string(rune(i)))
	}
	m.Keep()
	next := Open(dir)
	asked(t, next, "q", "a", "new")
	next.Keep()
	last := Open(dir)
	if asked(t, last, "q", "a", "new") || len(last.known) > spare {
		t.Errorf("%d are known", len(last.known))
	}
}

// The same is learnt anew with each change of a file: the file does not grow by that
// much beyond what is known.
func TestTheFileDoesNotGrowByWhatIsStale(t *testing.T) {
	m := Open(t.TempDir())
	m.seasoned()
	for range 4 {
		for i := range spare {
			m.learn(sum{byte(i), byte(i >> 8)}, "answer")
		}
		m.Keep()
	}
	if m.written > 3*spare {
		t.Errorf("the file holds %d answers for %d questions", m.written, len(m.known))
	}
	if next := Open(filepath.Dir(m.file)); len(next.seasoned()) == 0 || len(next.known) != spare {
		t.Errorf("%d of %d are known", len(next.known), spare)
	}
}
