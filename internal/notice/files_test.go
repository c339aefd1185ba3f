package notice_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vpnd/internal/notice"
	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
)

// files is a watcher of paths below a root.
type files struct {
	root   string
	shared *notice.Shared
}

func (f files) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	return notice.Files{
		Root: f.root, Paths: names,
		Begin:   func() { kick(resource.Hint{}) },
		Changed: func(name, by string) { kick(resource.Hint{Name: name, By: by}) },
		Shared:  f.shared,
	}.Listen(ctx)
}

// A place is a root with somebody listening to paths below it.
type place struct {
	*noticetest.Ear
	t    *testing.T
	root string
}

func at(t *testing.T, directories []string, paths ...string) place {
	t.Helper()
	p := place{t: t, root: t.TempDir()}
	for _, f := range directories {
		p.do(os.MkdirAll(p.of(f), 0o755))
	}
	p.Ear = noticetest.Listen(t, files{p.root, new(notice.Shared)}, paths...)
	return p
}

func (p place) of(name string) string { return filepath.Join(p.root, name) }

func (p place) do(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p place) put(name string) { p.t.Helper(); p.do(os.WriteFile(p.of(name), []byte(name), 0o644)) }

// heard expects a hint for the path after the change.
func (p place) heard(path string, change func()) {
	p.t.Helper()
	p.Settle()
	change()
	p.Hear(path)
}

func TestEveryChangeOfAFileIsHeard(t *testing.T) {
	p := at(t, []string{"/etc/app"}, "/etc/app/x.conf")
	const x = "/etc/app/x.conf"
	p.heard(x, func() { p.put(x) })
	p.heard(x, func() { p.do(os.Chmod(p.of(x), 0o600)) })
	p.heard(x, func() { p.do(os.Chown(p.of(x), os.Getuid(), os.Getgid())) })
	p.heard(x, func() { p.do(os.Truncate(p.of(x), 1)) })
	p.heard(x, func() { p.put("/etc/app/.x.new"); p.do(os.Rename(p.of("/etc/app/.x.new"), p.of(x))) })
	p.heard(x, func() { p.put(x) }) // the new one is watched as the old one was
	p.heard(x, func() { p.do(os.Remove(p.of(x))) })
	p.heard(x, func() { p.do(os.Symlink("elsewhere", p.of(x))) })
	held, err := os.OpenFile(p.of("/etc/app/elsewhere"), os.O_CREATE|os.O_WRONLY, 0o600)
	p.do(err)
	defer held.Close()
	p.Quiet(func() {
		p.put("/etc/app/y.conf")
		p.put("/etc/app/.x.conf.vpnd-ABCDEFGH")
		p.do(os.Remove(p.of("/etc/app/.x.conf.vpnd-ABCDEFGH")))
		p.do(os.Mkdir(p.of("/etc/other"), 0o755))
		_, err := held.WriteString("what a link leads to is no part of it")
		p.do(err)
	})
}

func TestAFileThatIsHeldOpenIsHeard(t *testing.T) {
	p := at(t, []string{"/etc"}, "/etc/x")
	f, err := os.Create(p.of("/etc/x"))
	p.do(err)
	defer f.Close()
	p.heard("/etc/x", func() { _, err := f.WriteString("more"); p.do(err) })
}

func TestDirectoriesComeAndGo(t *testing.T) {
	p := at(t, nil, "/a/b/c/x", "/a/y")
	make := func() { p.do(os.MkdirAll(p.of("/a/b/c"), 0o755)) }
	p.heard("/a/b/c/x", make)
	p.heard("/a/b/c/x", func() { p.put("/a/b/c/x") })
	p.heard("/a/b/c/x", func() { p.do(os.RemoveAll(p.of("/a"))) })
	p.heard("/a/y", make)
	p.heard("/a/b/c/x", func() { p.put("/a/b/c/x") })
	p.heard("/a/b/c/x", func() { p.do(os.Rename(p.of("/a/b"), p.of("/a/old"))) })
	p.Quiet(func() { p.put("/a/old/c/x") })
	p.heard("/a/b/c/x", make)
	p.heard("/a/b/c/x", func() { p.put("/a/b/c/x") })
	p.heard("/a/b/c/x", func() { p.do(os.RemoveAll(p.of("/a/b"))); p.put("/a/b") })
	p.heard("/a/y", func() { p.put("/a/y") })
}

func TestALinkOnTheWayIsSwapped(t *testing.T) {
	p := at(t, []string{"/v1", "/v2"}, "/now/x")
	p.heard("/now/x", func() { p.do(os.Symlink("v1", p.of("/now"))) })
	p.heard("/now/x", func() { p.put("/v1/x") })
	p.heard("/now/x", func() {
		p.do(os.Symlink("v2", p.of("/next")))
		p.do(os.Rename(p.of("/next"), p.of("/now")))
	})
	p.heard("/now/x", func() { p.put("/v2/x") })
	p.Quiet(func() { p.put("/v1/x") })
}

func TestTwoWaysToOneDirectory(t *testing.T) {
	p := at(t, []string{"/run"}, "/run/x", "/var/run/x")
	p.do(os.MkdirAll(p.of("/var"), 0o755))
	p.do(os.Symlink("../run", p.of("/var/run")))
	p.Settle()
	p.put("/run/x")
	if a, b := p.Next().Name, p.Next().Name; a == b {
		t.Errorf("only %s was heard of", a)
	}
	p.do(os.Remove(p.of("/var/run")))
	p.heard("/run/x", func() { p.put("/run/x") })
}

func TestAWholeDirectory(t *testing.T) {
	p := at(t, []string{"/d"}, "/d/", "/d")
	p.heard("/d/", func() { p.put("/d/any") })
	p.heard("/d", func() { p.do(os.Chmod(p.of("/d"), 0o700)) })
	p.Quiet(func() { p.put("/d/.hidden") })
	p.heard("/d/", func() { p.do(os.RemoveAll(p.of("/d"))) })
	p.heard("/d/", func() { p.do(os.Mkdir(p.of("/d"), 0o755)) })
	p.heard("/d/", func() { p.put("/d/any") })
}

func TestThousandsOfFilesAreOneWatchAndABurstIsNotLost(t *testing.T) {
	var names []string
	for i := range 5000 {
		names = append(names, fmt.Sprintf("/d/f%d", i))
	}
	p := at(t, []string{"/d"}, names...)
	for _, name := range names {
		p.put(name)
	}
	seen := make(map[string]bool)
	for deadline := time.Now().Add(5 * time.Second); len(seen) < len(names) && time.Now().Before(deadline); {
		h := p.Next()
		if h.Name == "" {
			return // events were lost, and it says so
		}
		seen[h.Name] = true
	}
	if len(seen) != len(names) {
		t.Errorf("of %d files %d were heard of", len(names), len(seen))
	}
}

func TestAnIdleListenerSleeps(t *testing.T) {
	noticetest.Idle(t, files{t.TempDir(), new(notice.Shared)}, "/d/x")
}

func TestFilesAreHeardAtOnce(t *testing.T) {
	p := at(t, []string{"/d"}, "/d/x")
	p.Delay(20, 50*time.Millisecond, func(int) { p.put("/d/x") })
}
