package derived

import (
	"context"
	"maps"
	"slices"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// WatchWishes hears of changes of the files, and of those that they are made
// from, as the wishes name them; of what runs out, also of a clock that is set.
func (v *Verbs[T]) WatchWishes(ctx context.Context, wants map[string]*T, kick func(resource.Hint)) error {
	concerned := make(map[string][]string)
	for name, want := range wants {
		concerned[name] = append(concerned[name], name)
		for _, file := range v.from(name, want) {
			concerned[file] = append(concerned[file], name)
		}
	}
	files := func(ctx context.Context, begin func()) error { return v.Hear(ctx, concerned, begin, kick) }
	everywhere := func() { kick(resource.Hint{}) }
	if !v.Ages {
		return files(ctx, everywhere)
	}
	return notice.Together(ctx, everywhere, files, func(ctx context.Context, begin func()) error {
		return notice.Clock{Begin: begin, Set: everywhere}.Listen(ctx)
	})
}

// from returns the files that this one is made from or stands beside.
func (v *Verbs[T]) from(name string, want *T) []string {
	if v.SourcesOf == nil {
		return nil
	}
	return v.SourcesOf(name, want)
}

// Hear hints at whom a change of a file concerns; where that is several, as
// with a CA, at the whole kind.
func (h Host) Hear(ctx context.Context, concerned map[string][]string, begin func(), kick func(resource.Hint)) error {
	return notice.Files{
		Root:   h.Root,
		Shared: h.Shared,
		Paths:  slices.Collect(maps.Keys(concerned)),
		Begin:  begin,
		Changed: func(file, by string) {
			hint := resource.Hint{By: by}
			if whom := concerned[file]; len(whom) == 1 {
				hint.Name = whom[0]
			}
			kick(hint)
		},
	}.Listen(ctx)
}

// Given returns the paths that a wish gives.
func Given(paths ...*string) []string {
	var files []string
	for _, p := range paths {
		if p != nil {
			files = append(files, *p)
		}
	}
	return files
}

// Inside stands for all files in a directory.
func Inside(directory *string) *string {
	if directory == nil {
		return nil
	}
	return resource.Ptr(*directory + "/")
}
