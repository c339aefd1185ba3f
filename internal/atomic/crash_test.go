package atomic

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
)

// A writer that is killed leaves whole files, and the next write of the same
// targets takes away what it left beside them.
func TestKilledWriterLeavesWholeFiles(t *testing.T) {
	root, leftovers := t.TempDir(), 0
	for round := range 12 {
		kill(t, root, time.Duration(round)*1300*time.Microsecond)
		var first [2]string
		for i, name := range []string{"a", "b"} {
			data, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			first[i], _, _ = strings.Cut(string(data), "\n")
			n, err := strconv.Atoi(first[i])
			if err != nil || string(data) != generation(n) {
				t.Fatalf("%s is torn: %d bytes that begin with %q", name, len(data), first[i])
			}
		}
		leftovers += strings.Count(entries(t, root), mark)
	}
	if leftovers == 0 {
		t.Error("no kill met a temporary, so the test shows nothing")
	}
	if err := WriteAll(root, []File{mine("/a", "", 0o600), mine("/b", "", 0o600)}); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, root); got != "a b" {
		t.Errorf("the directory holds %s", got)
	}
}

// kill starts a writer, waits until it has written at least once, and kills it
// a moment later.
func kill(t *testing.T, root string, moment time.Duration) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), writer+"="+root)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	time.Sleep(moment)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil || !strings.HasPrefix(line, "written") {
		t.Fatalf("the writer said %q, %v", line, err)
	}
}

func TestSweepTakesOnlyItsOwn(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{".a" + mark + "ABCDEFGH", ".a" + mark + "ABCDEFGH.conf", ".ab" + mark + "ABCDEFGH", "a" + mark + "ABCDEFGH", ".a" + mark + "note"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Remove(root, "/a"); err != nil {
		t.Fatal(err)
	}
	want := ".a.vpnd-ABCDEFGH.conf .a.vpnd-note .ab.vpnd-ABCDEFGH a.vpnd-ABCDEFGH"
	if got := entries(t, root); got != want {
		t.Errorf("left %s, want %s", got, want)
	}
}

func TestTidyTakesOnlyWhatWritersLeave(t *testing.T) {
	root := t.TempDir()
	left := func() {
		for _, name := range []string{".a" + mark + "ABCDEFGH", ".b" + mark + "ABCDEFGH", ".c" + mark + "note", "a"} {
			if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.MkdirAll(filepath.Join(root, ".dir"+mark+"ABCDEFGH"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	left()
	if err := Tidy(root, "/a", "/dir", "/none", "/missing/a"); err != nil {
		t.Error(err)
	}
	if got, want := entries(t, root), ".b.vpnd-ABCDEFGH .c.vpnd-note a"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
	left()
	for _, directory := range []string{"/", "/missing"} {
		if err := TidyDirectory(root, directory); err != nil {
			t.Error(err)
		}
	}
	if got, want := entries(t, root), ".c.vpnd-note a"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
	left()
	if err := Mkdir(root, "/dir", 0o750, -1, -1); err != nil {
		t.Error(err)
	}
	if got, want := entries(t, root), ".a.vpnd-ABCDEFGH .b.vpnd-ABCDEFGH .c.vpnd-note a dir"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
}

// Nobody may ever see more than the old file or the new one, nor open the
// temporary, whatever the moment.
func TestModesAreNeverWider(t *testing.T) {
	root := t.TempDir()
	secret := mine("/key", strings.Repeat("secret", 100_000), 0o600)
	if err := Write(root, secret); err != nil {
		t.Fatal(err)
	}
	done, seen := make(chan struct{}), make(chan string, 1)
	go func() {
		defer close(seen)
		for {
			select {
			case <-done:
				return
			default:
			}
			list, _ := os.ReadDir(root)
			for _, e := range list {
				if info, err := e.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
					seen <- e.Name() + " is " + info.Mode().String()
					return
				}
			}
		}
	}()
	old := unix.Umask(0)
	for range 100 {
		if err := Write(root, secret); err != nil {
			t.Fatal(err)
		}
	}
	unix.Umask(old)
	close(done)
	if what, ok := <-seen; ok {
		t.Error(what)
	}
}

func TestFullAndReadOnlyDisks(t *testing.T) {
	nettest.Need(t)
	root := t.TempDir()
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(root, 0) })
	if err := Write(root, mine("/a", "old", 0o600)); err != nil {
		t.Fatal(err)
	}
	files := []File{mine("/a", "new", 0o600), mine("/b", strings.Repeat("x", 1<<20), 0o600)}
	err := WriteAll(root, files)
	if !errors.Is(err, unix.ENOSPC) || !strings.HasPrefix(err.Error(), "writing /b: the disk is full: ") {
		t.Errorf("%v", err)
	}
	if err := unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	err = WriteAll(root, files)
	if !errors.Is(err, unix.EROFS) || !strings.HasPrefix(err.Error(), "writing /a: the file system is mounted read-only: ") {
		t.Errorf("%v", err)
	}
	if err := Remove(root, "/a"); !errors.Is(err, unix.EROFS) {
		t.Errorf("%v", err)
	}
	if err := Remove(root, "/gone"); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
	holds(t, filepath.Join(root, "a"), "old")
	if got := entries(t, root); got != "a" {
		t.Errorf("the directory holds %s", got)
	}
}

func TestMountPointIsSaid(t *testing.T) {
	nettest.Need(t)
	root := t.TempDir()
	target := filepath.Join(root, "resolv.conf")
	if err := Write(root, mine("/resolv.conf", "old", 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(target, target, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(target, 0) })
	err := Write(root, mine("/resolv.conf", "new", 0o644))
	if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "it is a mount point, as in a container, and can't be replaced") {
		t.Errorf("%v", err)
	}
	if got := entries(t, root); got != "resolv.conf" {
		t.Errorf("the directory holds %s", got)
	}
}
