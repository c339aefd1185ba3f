package unit

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

const (
	inEtc     = etc + "/x.service.d/theirs.conf"
	inRun     = "/run/systemd/system/x.service.d/theirs.conf"
	inControl = etc + ".control/x.service.d/50-CPUWeight.conf"
	aLink     = etc + "/x.service.d/linked.conf"
	closed    = etc + "/x.service.d/secret.conf"
)

// apply converges x.service of an image twice, and looks for what still differs.
func apply(t *testing.T, v Verbs, want Unit) *Unit {
	t.Helper()
	k := resource.Define("unit", "", resource.Traits{}, v)
	normal, err := k.Normalize(t.Context(), map[string]any{"x.service": &want})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		o := k.Observe(t.Context(), normal)["x.service"]
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		if err := k.Apply(t.Context(), []resource.Change{{Name: "x.service", Got: o.Got, Want: normal["x.service"]}}); err != nil {
			t.Fatal(err)
		}
	}
	got := k.Observe(t.Context(), normal)["x.service"].Got
	if diffs := resource.Compare(got, normal["x.service"]); len(diffs) > 0 {
		t.Fatalf("still differs: %+v", diffs)
	}
	return got.(*Unit)
}

func imageWithOthers(t *testing.T) Verbs {
	t.Helper()
	root := t.TempDir()
	put(t, root, "/usr/lib/systemd/system/x.service", "[Service]\nExecStart=sleep 1\n")
	put(t, root, "/usr/lib/systemd/system/x.service.d/vendor.conf", "[Service]\nNice=1\n")
	put(t, root, inEtc, "[Service]\nNice=2\n")
	put(t, root, inRun, "[Unit]\nDescription=theirs\n")
	put(t, root, inControl, "[Service]\nCPUWeight=50\n")
	put(t, root, closed, "[Service]\nEnvironment=TOKEN=hush\n")
	if err := os.Chmod(root+closed, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", root+aLink); err != nil {
		t.Fatal(err)
	}
	return Verbs{Root: root}
}

func TestDropinsOfOthers(t *testing.T) {
	v := imageWithOthers(t)
	first, err := resourcetest.Observe(t.Context(), v, "x.service")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		inEtc: "[Service]\nNice=2\n", inRun: "[Unit]\nDescription=theirs\n", inControl: "[Service]\nCPUWeight=50\n",
		aLink: linkTo + "/dev/null", closed: resource.Masked,
	}
	if !maps.Equal(first.OtherDropins, want) {
		t.Errorf("seen: %v", first.OtherDropins)
	}
	if *first.Others != strings.Join(slices.Sorted(maps.Keys(want)), ", ") {
		t.Errorf("told: %s", *first.Others)
	}
	// Left out, they stay.
	apply(t, v, Unit{Dropins: []Dropin{dropin("nice", "[Service]\nNice=5\n")}})
	if now, err := resourcetest.Observe(t.Context(), v, "x.service"); err != nil || !maps.Equal(now.OtherDropins, want) {
		t.Errorf("beside one of vpnd's: %v, %v", now, err)
	}
	// Managed, they are these and no more, and no note tells of them.
	one := apply(t, v, Unit{OtherDropins: map[string]string{inEtc: "[Service]\nNice=3\n"}})
	if len(one.OtherDropins) != 1 || *one.Others != "" {
		t.Errorf("one: %v, told %q", one.OtherDropins, *one.Others)
	}
	none := apply(t, v, Unit{Dropins: []Dropin{}, OtherDropins: map[string]string{}})
	if none.OtherDropins == nil {
		t.Error("none is nil")
	}
	for _, name := range []string{filepath.Dir(inEtc), filepath.Dir(inRun), filepath.Dir(inControl)} {
		if _, err := os.Stat(v.Root + name); !os.IsNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(v.Root + "/usr/lib/systemd/system/x.service.d/vendor.conf"); err != nil {
		t.Error(err)
	}
	// What was found can be written down and comes back with what it held.
	data, err := resource.Encode(resource.Lasting(first), resource.Reveal)
	if err != nil {
		t.Fatal(err)
	}
	var again Unit
	if err := resource.Decode(data, &again); err != nil {
		t.Fatal(err)
	}
	back := apply(t, v, again)
	if !maps.Equal(back.OtherDropins, want) || !maps.Equal(back.ClosedDropins, first.ClosedDropins) {
		t.Errorf("came back as %+v, was %+v", back, first)
	}
	if info, err := os.Stat(v.Root + closed); err != nil || info.Mode() != 0o600 {
		t.Errorf("what only root could read: %v, %v", info, err)
	}
	// And its end leaves them.
	if err := resourcetest.Remove(t.Context(), v, "x.service"); err != nil {
		t.Fatal(err)
	}
	if now, err := resourcetest.Observe(t.Context(), v, "x.service"); err != nil || !maps.Equal(now.OtherDropins, want) {
		t.Errorf("after its end: %v, %v", now, err)
	}
}

func TestPlansOfDropinsOfOthers(t *testing.T) {
	v := imageWithOthers(t)
	got, err := resourcetest.Observe(t.Context(), v, "x.service")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, d := range resource.Compare(got, &Unit{OtherDropins: map[string]string{inEtc: "[Service]\nNice=2\n"}}) {
		said = append(said, fmt.Sprintf("%s %q %q", d.Attribute, d.Before, d.After))
	}
	want := []string{
		`other_dropins["` + inControl + `"] "[Service]\nCPUWeight=50\n" ""`,
		`other_dropins["` + aLink + `"] "symbolic link to /dev/null" ""`,
		`other_dropins["` + closed + `"] "(sensitive)" ""`,
		`other_dropins["` + inRun + `"] "[Unit]\nDescription=theirs\n" ""`,
	}
	if !slices.Equal(said, want) {
		t.Errorf("said\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	if text := fmt.Sprintf("%+v", *got); strings.Contains(text, "hush") {
		t.Errorf("a secret is printed: %s", text)
	}
}

// A restart that is owed for a drop-in of others is seen by who wishes nothing
// else of the drop-ins.
func TestOwedForDropinsOfOthers(t *testing.T) {
	v := imageWithOthers(t)
	if _, err := v.setOthers("x.service", Unit{OtherDropins: map[string]string{}}); err != nil {
		t.Fatal(err)
	}
	got, err := resourcetest.Observe(t.Context(), v, "x.service")
	if err != nil {
		t.Fatal(err)
	}
	if len(resource.Compare(got, &Unit{OtherDropins: map[string]string{}})) == 0 {
		t.Error("a restart is owed, and nothing is to be done")
	}
	if *got.Others != "" {
		t.Errorf("told: %s", *got.Others)
	}
	apply(t, v, Unit{OtherDropins: got.OtherDropins}) // as of a snapshot
}

// Nothing that stands where a directory or a file is looked for holds the agent up.
func TestPipesHoldNobodyUp(t *testing.T) {
	root := t.TempDir()
	put(t, root, "/usr/lib/systemd/system/x.service", "[Service]\nExecStart=sleep 1\n")
	put(t, root, etc+"/y.service.d/own.conf", mark+"\n")
	for _, name := range []string{"/x.service.d", "/y.service", "/y.service.d/pipe.conf"} {
		if err := unix.Mkfifo(root+etc+name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v := Verbs{Root: root}
	done := make(chan string)
	go func() {
		x, err := resourcetest.Observe(t.Context(), v, "x.service")
		said := fmt.Sprint(err, x != nil && len(x.Dropins)+len(x.OtherDropins) == 0, v.Tidy("x.service", Unit{}))
		y, err := resourcetest.Observe(t.Context(), v, "y.service")
		said += fmt.Sprint(" ", err, y != nil && len(y.Dropins) == 1 && len(y.OtherDropins) == 0)
		text, err := v.unitFile("y.service")
		done <- said + fmt.Sprint(" ", text, err)
	}()
	select {
	case said := <-done:
		if said != "<nil> true <nil> <nil> true <nil>" {
			t.Error(said)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("a pipe holds it up")
	}
}
