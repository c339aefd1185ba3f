package cli

import (
	"context"
	"strings"
	"time"

	"vpnd/internal/cli/view"
	"vpnd/internal/resource"
)

// How often --watch looks for something new, and how often it looks at the tunnels and
// asks the servers who is connected: each of them serves one at a time.
const (
	everyLook = 500 * time.Millisecond
	everyAsk  = 5 * time.Second
)

// watchStatus shows the status whenever it changes, until ctx ends. On a
// terminal it takes the place of the one before, elsewhere it follows it.
func (a *app) watchStatus(ctx context.Context, asJSON bool) error {
	tick := time.NewTicker(everyLook)
	defer tick.Stop()
	w := watch{catalog: a.catalog()}
	for {
		text, err := w.look(ctx, a, asJSON)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if text != "" {
			if err := a.replace(text, w.shown > 1); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// A watch knows what it has shown.
type watch struct {
	catalog resource.Catalog
	last    view.Standing
	asked   time.Time
	text    string
	shown   int
}

// look returns the status where it is another one than before.
func (w *watch) look(ctx context.Context, a *app, asJSON bool) (string, error) {
	now, err := a.told()
	if err != nil {
		return "", err
	}
	if time.Since(w.asked) >= everyAsk {
		now.Ask(ctx, w.catalog)
		w.asked = time.Now()
	} else {
		recall(now, w.last)
	}
	w.last = now
	var b strings.Builder
	if err := a.showStatus(&b, now, asJSON); err != nil || b.String() == w.text {
		return "", err
	}
	w.text = b.String()
	w.shown++
	return w.text, nil
}

// recall takes over what the servers said the last time, and how tunnels stood, unless
// the agent has looked at these since.
func recall(s, before view.Standing) {
	if before.Status == nil {
		return
	}
	for i := range s.Servers {
		for _, old := range before.Servers {
			if old.Socket == s.Servers[i].Socket {
				s.Servers[i] = old
			}
		}
	}
	if s.LastPass().Equal(before.LastPass()) {
		s.Tunnels = before.Tunnels
	}
}

// replace writes a status in the place of the one before.
func (a *app) replace(text string, again bool) error {
	switch {
	case isTerminal(a.Out):
		text = "\x1b[H\x1b[2J" + text // console_codes(4): to the top, erase all
	case again:
		text = "\n" + text
	}
	_, err := a.Out.Write([]byte(text))
	return err
}
