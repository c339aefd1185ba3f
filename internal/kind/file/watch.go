package file

import (
	"context"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Watch hears of changes in the folders of the files.
func (v verbs[T, P]) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	return watch(ctx, v.Root, names, kick)
}

// Watch hears of changes of the folders, and not of what is in them.
func (v DirectoryVerbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	return watch(ctx, v.Root, names, kick)
}

func watch(ctx context.Context, root string, names []string, kick func(resource.Hint)) error {
	return notice.Files{
		Root:    root,
		Paths:   names,
		Begin:   func() { kick(resource.Hint{}) },
		Changed: func(name string) { kick(resource.Hint{Name: name}) },
	}.Listen(ctx)
}
