package notice_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/notice"
)

// instances counts the instances of inotify that this process has.
func instances(t *testing.T) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.Contains(to, "inotify") {
			n++
		}
	}
	return n
}

// Listeners that share an instance hear each of their own, also of a directory that
// several of them watch, when others leave, and once the last has left and one
// comes again.
func TestOneInstanceIsEnough(t *testing.T) {
	root := t.TempDir()
	var shared notice.Shared
	before := instances(t)
	listen := func(path string) (heard chan string, leave func()) {
		heard = make(chan string, 100)
		ctx, cancel := context.WithCancel(t.Context())
		begun, ended := make(chan bool, 1), make(chan error, 1)
		go func() {
			ended <- notice.Files{
				Root: root, Paths: []string{path}, Shared: &shared,
				Begin:   func() { begun <- true },
				Changed: func(path, _ string) { heard <- path },
			}.Listen(ctx)
		}()
		<-begun
		return heard, func() {
			t.Helper()
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	hears := func(heard chan string, path string) {
		t.Helper()
		if err := os.WriteFile(root+path, []byte(time.Now().String()), 0o600); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-heard:
			if got != path {
				t.Errorf("heard of %s instead of %s", got, path)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("heard nothing of %s", path)
		}
		for len(heard) > 0 {
			<-heard
		}
	}
	for range 2 {
		a, leaveA := listen("/a")
		b, leaveB := listen("/b")
		again, leaveAgain := listen("/a")
		if n := instances(t) - before; n != 1 {
			t.Errorf("%d instances", n)
		}
		hears(a, "/a")
		hears(again, "/a")
		leaveA()
		hears(again, "/a")
		hears(b, "/b")
		leaveAgain()
		hears(b, "/b")
		leaveB()
		if n := instances(t) - before; n != 0 {
			t.Errorf("%d instances are left", n)
		}
	}
}
