package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

type shape struct {
	Text   *string          `vpnd:"text"`
	Secret *resource.Secret `vpnd:"secret"`
}

func id(name string) resource.ID { return resource.ID{Kind: "thing", Name: name} }

func open1(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestFactsSurviveReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := open1(t, dir)
	a, b := id("a"), id("b")
	if err := s.Commit(
		Fact{Put: &Record{ID: a}}, Fact{Put: &Record{ID: b}}, Fact{Drop: &b},
		Fact{Owe: &PendingRefresh{ID: a, Do: resource.Restart}}, Fact{Owe: &PendingRefresh{ID: b, Do: resource.Reload}}, Fact{Owe: &PendingRefresh{ID: b}},
	); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{s, open1(t, dir)} {
		if _, ok := s.Record(b); ok || len(s.Records()) != 1 || s.Owed(a) != resource.Restart || s.Owed(b) != resource.None {
			t.Errorf("%+v, owed %v and %v", s.Records(), s.Owed(a), s.Owed(b))
		}
	}
}

func TestReadingWritesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := Read(dir)
	if err != nil || len(s.Records()) != 0 {
		t.Fatal(s, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("Read made the directory")
	}
}

func TestTornLastLineIsPassedOverAndDamageIsNot(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "records.jsonl")
	if err := os.WriteFile(log, []byte(`{"put":{"id":"thing.a"}}`+"\n"+`{"put":{"id":"thi`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open1(t, dir)
	b := id("b")
	if err := s.Commit(Fact{Put: &Record{ID: b}}); err != nil {
		t.Fatal(err)
	}
	if got := len(open1(t, dir).Records()); got != 2 {
		t.Errorf("%d records after a torn line, want 2", got)
	}
	if err := os.WriteFile(log, []byte("{\"put\":{\"id\":\"thi\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "is damaged: line 1 ") {
		t.Errorf("a damaged line: %v", err)
	}
}

func TestLogStaysInProportion(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	a := id("a")
	for range 1000 {
		if err := s.append([]byte(`{"put":{"id":"thing.a"}}` + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	s = open1(t, dir)
	data, err := os.ReadFile(filepath.Join(dir, "records.jsonl"))
	if err != nil || bytes.Count(data, []byte("\n")) != 2 { // the head and the record
		t.Errorf("%d lines after opening again, %v", bytes.Count(data, []byte("\n")), err)
	}
	if _, ok := s.Record(a); !ok {
		t.Error("tidying lost a record")
	}
}

func TestDigestHidesSecretsAndTellsThemApart(t *testing.T) {
	s := open1(t, t.TempDir())
	digest := func(text, secret string) Digest {
		t.Helper()
		d, err := s.Digest(&shape{Text: &text, Secret: resource.NewSecret(secret)})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	one := digest("x", "hush")
	if strings.Contains(value(one, "secret"), "hush") || value(one, "text") != `"x"` {
		t.Errorf("%v", one)
	}
	if !one.Equal(digest("x", "hush")) || one.Equal(digest("x", "hush!")) || one.Equal(digest("y", "hush")) {
		t.Error("equal digests for unequal shapes, or the other way round")
	}
	other := open1(t, t.TempDir())
	if d, _ := other.Digest(&shape{Secret: resource.NewSecret("hush")}); value(d, "secret") == value(one, "secret") {
		t.Error("two hosts make the same digest")
	}
	if long := value(digest(strings.Repeat("x", 1000), ""), "text"); long == "" || len(long) > 100 {
		t.Errorf("a long value is kept whole: %s", long)
	}
}

func TestPriorSurvives(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	name, err := s.KeepPrior(id("a"), &shape{Text: resource.Ptr("\xff\x00"), Secret: resource.NewSecret("hush")})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "priors", name))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	var got shape
	r := Record{ID: id("a"), Prior: name}
	if err := s.Prior(r, &got); err != nil || *got.Text != "\xff\x00" || got.Secret.Reveal() != "hush" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.DropPrior(r); err != nil {
		t.Fatal(err)
	}
	if err := s.Prior(r, &got); err == nil {
		t.Error("a dropped prior is still there")
	}
}

func TestSnapshotsAreFew(t *testing.T) {
	s := open1(t, t.TempDir())
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range keepSnapshots + 3 {
		if err := s.SaveSnapshot(&Snapshot{Taken: at.Add(time.Duration(i) * time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	names, err := s.Snapshots()
	if err != nil || len(names) != keepSnapshots {
		t.Errorf("%d snapshots, %v", len(names), err)
	}
	if newest, err := s.Snapshot(""); err != nil || newest.Name != names[len(names)-1] {
		t.Errorf("%v, %v", newest, err)
	}
	if _, err := s.Snapshot("../key"); err == nil {
		t.Error("a name that is no snapshot's was read")
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var busy *ErrBusy
	// The words of one that was killed are not believed.
	if err := os.WriteFile(filepath.Join(dir, "lock"), []byte("process 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(ctx, dir); !errors.As(err, &busy) || busy.PID != os.Getpid() || !strings.Contains(busy.Error(), fmt.Sprintf(", process %d)", os.Getpid())) {
		t.Errorf("the second lock: %v", err)
	}
	unlock()
	<-ctx.Done()
	if unlock, err = Lock(ctx, dir); err != nil {
		t.Errorf("a lock that is free, when there is no time to wait: %v", err)
	} else {
		unlock()
	}
}

func TestDamagedKeyIsAnErrorWithAWayOut(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Error(err)
	}
}

// What is forgotten leaves the configuration in force too: else the daemon would
// take it up again, and remove it from the host once its block has gone.
func TestForgottenIsNotInForce(t *testing.T) {
	s := open1(t, t.TempDir())
	a, b := id("a"), id("b")
	prior, err := s.KeepPrior(a, &shape{Text: resource.Ptr("before")})
	if err != nil {
		t.Fatal(err)
	}
	gone := Record{ID: a, Prior: prior}
	w := &Wish{Present: []Was{{ID: a, Shape: []byte("{}")}, {ID: b, Shape: []byte("{}")}}, Settings: []byte("{}")}
	refresh := &PendingRefresh{ID: a, Do: resource.Restart}
	if err := errors.Join(s.Commit(Fact{Put: &gone}, Fact{Put: &Record{ID: b}}, Fact{Owe: refresh}), s.Sign(w), s.KeepWish(w)); err != nil {
		t.Fatal(err)
	}
	was, version := w.Fingerprint, s.WishVersion()
	if _, err := s.Forget(func(one resource.ID, _ []resource.Owner) bool { return one == a }); err != nil {
		t.Fatal(err)
	}
	w, err = s.Wish()
	if err != nil || len(w.Present) != 1 || w.Present[0].ID != b || w.Fingerprint == was || s.WishVersion() == version {
		t.Errorf("in force is %+v (%v)", w, err)
	}
	if _, ok := s.Record(a); ok || s.Prior(gone, new(shape)) == nil {
		t.Error("its record or what stood there before is still known")
	}
	if owed := s.Owed(a); owed != resource.None {
		t.Errorf("it is still owed: %s", owed)
	}
}

func TestHistoryGoesOnBehindATornLine(t *testing.T) {
	s := open1(t, t.TempDir())
	for i, command := range []string{"apply", "rollback"} {
		if err := s.Note(Entry{Command: command}); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			break
		}
		torn := filepath.Join(s.Dir(), "history.jsonl")
		whole, err := os.ReadFile(torn)
		if err == nil {
			err = os.WriteFile(torn, append(whole, `{"time":"20`...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	entries, err := s.History()
	if err != nil || len(entries) != 2 || entries[1].Command != "rollback" {
		t.Error(entries, err)
	}
}

// A snapshot that was taken while the clock was wrong must be neither the first
// to be forgotten nor passed over by an undo of the last apply.
func TestClockSetBackKeepsTheNewestSnapshot(t *testing.T) {
	s := open1(t, t.TempDir())
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for range keepSnapshots {
		if err := s.SaveSnapshot(&Snapshot{Taken: now}); err != nil {
			t.Fatal(err)
		}
	}
	last := &Snapshot{Taken: time.Unix(60, 0)}
	if err := s.SaveSnapshot(last); err != nil {
		t.Fatal(err)
	}
	newest, err := s.Snapshot("")
	if err != nil || newest.Name != last.Name || !newest.Taken.Equal(last.Taken) {
		t.Errorf("%+v is the newest (%v), want %s", newest, err, last.Name)
	}
}

func TestOnlyTheDirectoryItselfIsClosed(t *testing.T) {
	top := t.TempDir()
	open1(t, filepath.Join(top, "var/lib/vpnd"))
	for dir, want := range map[string]os.FileMode{"var": 0o755, "var/lib": 0o755, "var/lib/vpnd": 0o700} {
		if info, err := os.Stat(filepath.Join(top, dir)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v (%v), want %v", dir, info.Mode(), err, want)
		}
	}
}

// What was owed before the host went down is owed to nobody any more: whoever
// runs now has read all since.
func TestABootPaysDebts(t *testing.T) {
	dir := t.TempDir()
	reader := resource.ID{Kind: "unit", Name: "a.service"}
	owes := func(boot string) resource.Effect {
		t.Helper()
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if boot != "" {
			s.boot = boot
			if err := s.Commit(Fact{Owe: &PendingRefresh{ID: reader, Do: resource.Restart}}); err != nil {
				t.Fatal(err)
			}
		}
		return s.Owed(reader)
	}
	now := thisBoot()
	if now == "" {
		t.Fatal("the kernel has no name for this boot")
	}
	owes("another")
	if got := owes(""); got != resource.None {
		t.Errorf("of another boot: %s", got)
	}
	owes(now)
	if got := owes(""); got != resource.Restart {
		t.Errorf("of this boot: %s", got)
	}
}

func TestNobodyElseMayReadTheState(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	s := open1(t, dir)
	w := &Wish{Settings: []byte("{}")}
	if err := errors.Join(s.Commit(Fact{Put: &Record{ID: id("a")}}), s.Note(Entry{}), s.KeepWish(w), s.SetPending(Pending{Snapshot: "x"}), s.SaveSnapshot(&Snapshot{Name: "x"})); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lock", "key", "records.jsonl", "history.jsonl", "wish.json", "pending.json", "snapshots/x.json"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// What is compared with another run is only what the key on disk made.
func TestKeyOfAReaderIsNotKept(t *testing.T) {
	dir := t.TempDir()
	if s, err := Read(dir); err != nil || s.Kept() {
		t.Errorf("a plan made a key that stays: %v", err)
	}
	open1(t, dir)
	if s, err := Read(dir); err != nil || !s.Kept() {
		t.Errorf("the key was not kept: %v", err)
	}
}

// A snapshot that goes on where an older one was cut short takes its place.
func TestSnapshotKeepsItsName(t *testing.T) {
	s := open1(t, t.TempDir())
	snap := &Snapshot{Taken: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	for range 2 {
		if err := s.SaveSnapshot(snap); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := s.Snapshots(); err != nil || len(names) != 1 {
		t.Errorf("%q, %v", names, err)
	}
}

// An earlier vpnd did not write in which boot a refresh came about.
func TestDebtOfAnEarlierVersion(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "records.jsonl"), []byte(`{"owe":{"id":"thing.a","do":"restart"}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := open1(t, dir).Owed(id("a")); got != resource.Restart {
		t.Errorf("owed: %s", got)
	}
}

func TestNoPriorIsNoneToDrop(t *testing.T) {
	if err := open1(t, t.TempDir()).DropPrior(Record{ID: id("a")}); err != nil {
		t.Error(err)
	}
}

// The kernel lists locks of other kinds on the same file, and those on others.
func TestHolderOfTheLock(t *testing.T) {
	locks := "1: POSIX  ADVISORY  WRITE 7 00:68:42 0 EOF\n2: FLOCK  ADVISORY  WRITE 8 00:68:142 0 EOF\n" +
		"3: -> FLOCK  ADVISORY  WRITE 9 00:68:42 0 EOF\n4: FLOCK  ADVISORY  WRITE 10 00:68:42 0 EOF\n"
	if got := flocker(locks, 42); got != 10 {
		t.Errorf("process %d", got)
	}
	if got := flocker(locks, 7); got != 0 {
		t.Errorf("of a file that nobody locks: process %d", got)
	}
}
