package ipsec

import (
	"context"
	"errors"
	"time"

	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// WatchWishes hears of changes of the files that connections are made of, and of
// what charon does: SAs that come and go, keys that are made anew, its own start and
// end.
func (v Verbs) WatchWishes(ctx context.Context, wants map[string]*Connection, kick func(resource.Hint)) error {
	begin := func() { kick(resource.Hint{}) }
	files := func(ctx context.Context, begin func()) error { return v.watchFiles(ctx, wants, begin, kick) }
	if v.Socket == "" {
		return files(ctx, begin)
	}
	return notice.Together(ctx, begin, files, func(ctx context.Context, begin func()) error {
		return v.watchCharon(ctx, wants, begin, kick)
	})
}

func (v Verbs) watchFiles(ctx context.Context, wants map[string]*Connection, begin func(), kick func(resource.Hint)) error {
	whose := make(map[string]string)
	var paths []string
	for name, want := range wants {
		sources := []string{fileOf(name)}
		if want != nil {
			sources = append(sources, v.From(*want)...)
		}
		for _, file := range sources {
			if other, ok := whose[file]; ok && other != name {
				whose[file] = "" // of several
				continue
			}
			whose[file] = name
			paths = append(paths, file)
		}
	}
	return notice.Files{
		Root: v.Root, Paths: paths, Begin: begin, Shared: v.Shared,
		Changed: func(file, by string) { kick(resource.Hint{Name: whose[file], By: by}) },
	}.Listen(ctx)
}

// watchCharon hears of SAs. A charon that ends is waited for: its socket appears
// anew.
func (v Verbs) watchCharon(ctx context.Context, wants map[string]*Connection, begin func(), kick func(resource.Hint)) error {
	for {
		back, err := v.awaited(ctx, begin)
		if err != nil || !back {
			return err
		}
		err = vici.Events(ctx, v.Socket, begin, func(name string) {
			if _, ours := wants[name]; ours || name == "" {
				kick(resource.Hint{Name: name})
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, vici.ErrDown) {
			return err
		}
		kick(resource.Hint{}) // it ended
	}
}

// awaited waits until charon listens, and says false where ctx ended before. Who waits
// listens already: charon's start is what there is to hear.
func (v Verbs) awaited(ctx context.Context, begin func()) (bool, error) {
	inner, found := context.WithCancel(ctx)
	defer found()
	look := func(tries int) {
		for ; tries > 0 && inner.Err() == nil; tries-- {
			if conn, err := vici.Dial(ctx, v.Socket); err == nil {
				conn.Close()
				found()
				return
			}
			time.Sleep(pause)
		}
	}
	err := notice.Files{
		Root: v.Root, Paths: []string{v.Socket}, Shared: v.Shared,
		Begin:   func() { begin(); look(1) },
		Changed: func(string, string) { look(tries) },
	}.Listen(inner)
	return ctx.Err() == nil, err
}

// A socket that just appeared has somebody who listens a moment later.
const (
	pause = 20 * time.Millisecond
	tries = 50
)
