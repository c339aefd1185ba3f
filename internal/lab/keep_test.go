package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// cached are the names of what is in a cache, but for locks.
func cached(t *testing.T, cache string) string {
	t.Helper()
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

func (u *user) makes(t *testing.T, path string) {
	t.Helper()
	err := u.once(t.Context(), path, io.Discard, func(_ context.Context, dir string) error {
		return os.MkdirAll(filepath.Join(dir, "made", "deep", "er"), 0o755)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ends has a process end.
func (u *user) ends() {
	u.held.Range(func(_, fd any) bool { return unix.Close(fd.(int)) == nil })
}

// Of each kind the newest stays, and what a process uses.
func TestTheNewestOfEachKindIsKept(t *testing.T) {
	cache := t.TempDir()
	at := func(name string) string { return filepath.Join(cache, name) }
	for _, name := range []string{"root-a-000000000001", "root-a-000000000002", "root-b-000000000001", "layer-a-00000001-000000000001", "root-a-of-somebody"} {
		if err := os.MkdirAll(filepath.Join(cache, name, "deep"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var one, two user
	one.makes(t, at("root-a-000000000002"))
	two.makes(t, at("root-a-000000000003"))
	if got := cached(t, cache); got != "layer-a-00000001-000000000001 root-a-000000000002 root-a-000000000003 root-a-of-somebody root-b-000000000001" {
		t.Errorf("while an older one is used there are %s", got)
	}
	one.ends()
	two.makes(t, at("layer-a-00000002-000000000001")) // another kind
	two.makes(t, at("layer-a-00000001-000000000002"))
	two.makes(t, at("root-a-000000000003"))
	if got := cached(t, cache); got != "layer-a-00000001-000000000002 layer-a-00000002-000000000001 root-a-000000000003 root-a-of-somebody root-b-000000000001" {
		t.Errorf("afterwards there are %s", got)
	}
}

// Who wants an older one, as a run of another branch does, makes it and keeps it for as
// long as it runs.
func TestAnOlderOneIsMadeForWhoWantsIt(t *testing.T) {
	cache := t.TempDir()
	old, young := filepath.Join(cache, "root-a-000000000001"), filepath.Join(cache, "root-a-000000000002")
	var one, two user
	one.makes(t, young)
	two.makes(t, old)
	one.makes(t, young)
	if got := cached(t, cache); got != "root-a-000000000001 root-a-000000000002" {
		t.Errorf("there are %s", got)
	}
	two.ends()
	one.ends()
	new(user).makes(t, old)
	if got := cached(t, cache); got != "root-a-000000000001" {
		t.Errorf("in the end there are %s", got)
	}
}

// Many processes want the same at once, while others come and go: it is there for each.
func TestWhatIsWantedIsThere(t *testing.T) {
	cache := t.TempDir()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for turn := range 40 {
				path := filepath.Join(cache, fmt.Sprintf("root-a-%012x", (worker+turn)%3))
				var u user
				err := u.once(t.Context(), path, io.Discard, func(_ context.Context, dir string) error {
					return os.Mkdir(filepath.Join(dir, "made", "deep"), 0o755)
				})
				if err == nil {
					_, err = os.Stat(filepath.Join(path, "deep"))
				}
				if err != nil {
					t.Error(err)
				}
				u.ends()
			}
		})
	}
	wg.Wait()
	if left, _ := filepath.Glob(filepath.Join(cache, unfinished+"*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if n := len(slices.DeleteFunc(strings.Fields(cached(t, cache)), func(name string) bool { return !strings.HasPrefix(name, "root-a-") })); n == 0 || n > 3 {
		t.Errorf("%d are left", n)
	}
}
