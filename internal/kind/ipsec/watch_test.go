package ipsec

import (
	"context"
	"os"
	"testing"

	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/nettest"
	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
)

// watcher watches as one that knows no wishes.
type watcher struct{ Verbs }

func (w watcher) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	wants := make(map[string]*Connection)
	for _, name := range names {
		wants[name] = nil
	}
	return w.WatchWishes(ctx, wants, kick)
}

// watched is a connection that is there, whose peer is nowhere.
func watched(t *testing.T, v Verbs) {
	t.Helper()
	want := tunnel(nil)
	normal, err := v.Normalize(t.Context(), map[string]*Connection{"dc": &want})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Apply(t.Context(), []resource.Item[Connection]{{Name: "dc", Want: *normal["dc"]}}); err != nil {
		t.Fatal(err)
	}
}

func TestTheFileAndCharonAreHeard(t *testing.T) {
	v, kill := host(t)
	watched(t, v)
	ear := noticetest.Listen(t, watcher{v}, "dc")
	ear.Settle()
	if err := os.WriteFile(fileOf("dc"), []byte("edited"), 0o600); err != nil {
		t.Fatal(err)
	}
	ear.Hear("dc")
	ear.Settle()
	kill()
	ear.Hear("")
	ear.Settle()
	start(t)
	ear.Hear("")
	ear.Quiet(func() {
		nettest.Run(t, "", "swanctl --list-conns >/dev/null")
		if conn, err := vici.Dial(t.Context(), v.Socket); err == nil {
			conn.Close()
		}
	})
}

func TestAnIdleCharonWakesNobody(t *testing.T) {
	v, _ := host(t)
	watched(t, v)
	noticetest.Idle(t, watcher{v}, "dc")
}
