package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// value is that of an attribute, none where it has none.
func value(d Digest, attribute string) string {
	text, _ := d.Value(attribute)
	return text
}

// entire is a record with everything in it.
func entire(name string) Record {
	var digest Digest
	if err := json.Unmarshal([]byte(`{"a":"b","list":["x",1,{"y":null}],"text":"\u003c\"ü"}`), &digest); err != nil {
		panic(err)
	}
	return Record{
		ID: resource.ID{Kind: "file", Name: name}, Owners: []resource.Owner{{Block: resource.ID{Kind: "pki", Name: "a b"}, File: `c:\"x.hcl`, Line: 3}, {Block: id("b")}},
		After: []resource.ID{id("x"), {Kind: "file", Name: "/ü\n"}}, Triggers: []resource.Trigger{{On: id("x"), Do: resource.Reload}, {On: id("y"), Do: resource.None}},
		Want: digest, Touched: []string{"mode", `"`}, Prior: "p<>&", Open: true, Since: time.Date(2026, 11, 29, 1, 2, 3, 4, time.UTC),
	}
}

// A record is written as encoding/json writes it, and what that writes is read.
func TestRecordsAreWrittenAndReadAsJSON(t *testing.T) {
	bare := Record{ID: id("bare"), Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))}
	handed := entire("/h")
	handed.Handout, handed.Given = &Handout{Why: []string{"x"}}, &Given{By: "y"}
	for _, r := range []Record{entire("/a"), entire(`/"\` + "\x00\u2028"), entire("/bad \xff utf8"), bare, handed} {
		var ours, theirs bytes.Buffer
		e := json.NewEncoder(&theirs)
		e.SetEscapeHTML(false)
		if err := e.Encode(Fact{Put: &r}); err != nil {
			t.Fatal(err)
		}
		if err := encode(&ours, []Fact{{Put: &r}}); err != nil || ours.String() != theirs.String() {
			t.Errorf("%v: wrote\n%s\ninstead of\n%s", err, &ours, &theirs)
		}
		readsAlike(t, strings.TrimSuffix(theirs.String(), "\n"))
	}
	var line bytes.Buffer
	r := entire("/a")
	if err := encode(&line, []Fact{{Put: &r}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := newReader().usual(strings.TrimSuffix(line.String(), "\n")); !ok {
		t.Error("an ordinary record is not read the short way")
	}
}

// readsAlike fails where a line is read otherwise than encoding/json does.
func readsAlike(t *testing.T, line string) {
	t.Helper()
	var want Fact
	wrong := json.Unmarshal([]byte(line), &want)
	got, err := newReader().fact(line)
	if (err == nil) != (wrong == nil) {
		t.Fatalf("%q: %v instead of %v", line, err, wrong)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Errorf("%q: read\n%+v\ninstead of\n%+v", line, got.Put, want.Put)
	}
}

func FuzzLine(f *testing.F) {
	r := entire("/a")
	var line bytes.Buffer
	if err := encode(&line, []Fact{{Put: &r}, {Put: &Record{ID: id("x"), Since: time.Unix(1, 0).UTC()}}, {Done: []resource.ID{id("a")}}}); err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(line.String()) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	f.Add(`{"put":{"id":"a.b","want":{"b":1,"a":2},"since":"2026-01-01T00:00:00Z"}}`)
	f.Add(`{"put":{"id":"a.b","after":[],"want":{},"since":"2026-01-01T00:00:00Z"}}`)
	f.Add(`{"put":{"id":"a.b","triggers":[{"on":"a.b"}],"want":null,"since":"2026-01-01T00:00:00Z"}}`)
	f.Fuzz(readsAlike)
}

// A record that was announced and came true stands in the log once, and is read so.
func TestAnAnnouncedRecordIsWrittenOnce(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	var opened, closed []Fact
	for i := range 100 {
		r := entire(fmt.Sprintf("/%03d", i))
		opened = append(opened, Fact{Put: &r})
		done := r
		done.Open = false
		if i == 7 {
			done.Prior = "another" // not as it was announced
		}
		closed = append(closed, Fact{Put: &done}, Fact{Owe: &PendingRefresh{ID: r.ID}})
	}
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "records.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if err := s.Commit(opened...); err != nil {
		t.Fatal(err)
	}
	before := size()
	if err := s.Commit(closed...); err != nil {
		t.Fatal(err)
	}
	if grew := size() - before; grew > before/15 {
		t.Errorf("%d bytes were written after %d", grew, before)
	}
	back, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range closed {
		if f.Put == nil {
			continue
		}
		if r, ok := back.Record(f.Put.ID); !ok || !reflect.DeepEqual(r, *f.Put) {
			t.Errorf("%s is %+v", f.Put.ID, r)
		}
	}
	if len(back.Records()) != 100 || !slices.EqualFunc(back.Records(), s.Records(), func(a, b Record) bool { return reflect.DeepEqual(a, b) }) {
		t.Error("what is on disk is not what is in memory")
	}
}

// Whatever a commit says in one go, and in which order, is what is read.
func TestACommitIsReadAsItWasMeant(t *testing.T) {
	open, shut, other := entire("/x"), entire("/x"), entire("/x")
	shut.Open, other.Prior = false, "other"
	owe := func(do resource.Effect) Fact { return Fact{Owe: &PendingRefresh{ID: open.ID, Do: do}} }
	for name, facts := range map[string][]Fact{
		"shut and opened again":      {{Put: &shut}, {Put: &open}},
		"shut and another one":       {{Put: &shut}, {Put: &other}},
		"another one and shut":       {{Put: &other}, {Put: &shut}},
		"shut and dropped":           {{Put: &shut}, {Drop: &shut.ID}},
		"dropped and shut":           {{Drop: &shut.ID}, {Put: &shut}},
		"owed and paid":              {owe(resource.Restart), owe(resource.None)},
		"paid and owed":              {owe(resource.None), owe(resource.Reload)},
		"paid twice, and owed again": {owe(resource.None), owe(resource.None), owe(resource.Reload)},
		"shut and paid":              {{Put: &shut}, owe(resource.None)},
		"nothing new":                {owe(resource.None)},
	} {
		for _, before := range [][]Fact{nil, {{Put: &open}}, {{Put: &open}, owe(resource.Restart)}} {
			dir := t.TempDir()
			s := open1(t, dir)
			if err := s.Commit(before...); err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(facts...); err != nil {
				t.Fatal(err)
			}
			back, err := Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(back.records, s.records) || !reflect.DeepEqual(back.owed, s.owed) {
				t.Errorf("%s: read %+v, %v instead of %+v, %v", name, back.records, back.owed, s.records, s.owed)
			}
		}
	}
}

// A long log is read by several hands, and says what it says line by line.
func TestALongLogIsReadInOrder(t *testing.T) {
	var b bytes.Buffer
	var facts []Fact
	for i := range 12_000 {
		r := entire(fmt.Sprintf("/%d", i%5000)) // what comes later counts
		r.Prior = fmt.Sprint(i)
		facts = append(facts, Fact{Put: &r})
		if i%7 == 0 {
			facts = append(facts, Fact{Drop: &r.ID})
		}
	}
	if err := encode(&b, facts); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	passages := readLines(text)
	if len(passages) < 2 && runtime.GOMAXPROCS(0) > 1 {
		t.Fatalf("%d bytes are read by one", len(text))
	}
	studied := func(text string) (*Store, int, error) {
		s := new(Store)
		s.forgetAll()
		rest, err := s.study(text)
		return s, rest, err
	}
	want := new(Store)
	want.forgetAll()
	for _, f := range facts {
		want.learn(f)
	}
	whole, rest, err := studied(text)
	if err != nil || rest != 0 || whole.torn || whole.lines != len(facts) || !reflect.DeepEqual(whole.records, want.records) {
		t.Errorf("%v, %d, %d lines of %d", err, rest, whole.lines, len(facts))
	}
	cut, rest, err := studied(text[:len(text)-10])
	last := strings.LastIndexByte(text[:len(text)-10], '\n') + 1
	if err != nil || !cut.torn || rest != len(text)-10-last || cut.lines != len(facts)-1 {
		t.Errorf("cut off: %v, %v, %d, %d lines", err, cut.torn, rest, cut.lines)
	}
	for _, line := range []int{1, len(facts) / 2, len(facts) - 1} {
		lines := strings.SplitAfter(text, "\n")
		lines[line-1] = "{\"put\":\n"
		_, _, err := studied(strings.Join(lines, ""))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("line %d can't be read", line)) {
			t.Errorf("line %d: %v", line, err)
		}
	}
}
