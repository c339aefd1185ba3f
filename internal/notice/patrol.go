package notice

import (
	"context"
	"time"
)

// A Glance is what is seen of a thing in passing.
type Glance struct {
	Up    bool
	Words string // how it stands besides
}

// A Look is one at all things of a patrol, by their names; none is left out.
type Look struct {
	Every int  // each so many times
	Again bool // those that are down are told of each time: one may have come back and gone down between two looks
	At    func(ctx context.Context) (map[string]Glance, error)
}

// Patrol looks at things that nobody tells of, every so often until ctx ends, and kicks
// for each that is not as it was; the first time with an empty name, since what happened
// before went unseen.
func Patrol(ctx context.Context, every time.Duration, looks []Look, kick func(name string)) error {
	last := make([]map[string]Glance, len(looks))
	for i := 0; ; i++ {
		for j, look := range looks {
			if i%look.Every > 0 {
				continue
			}
			now, err := look.At(ctx)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			if i > 0 {
				differ(last[j], now, look.Again, kick)
			}
			last[j] = now
		}
		if i == 0 {
			kick("")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// differ kicks for what is not as it was.
func differ(before, now map[string]Glance, again bool, kick func(name string)) {
	for name, seen := range now {
		if before[name] != seen || again && !seen.Up {
			kick(name)
		}
	}
}
