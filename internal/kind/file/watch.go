package file

import (
	"context"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Watch hears of changes in the directories of the files.
func (v verbs[T, P]) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	return watch(ctx, notice.Files{Root: v.Root, Shared: v.Shared}, names, kick)
}

// Watch hears of changes of the directories, and not of what is in them.
func (v DirectoryVerbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	return watch(ctx, notice.Files{Root: v.Root, Shared: v.Shared}, names, kick)
}

func watch(ctx context.Context, files notice.Files, names []string, kick func(resource.Hint)) error {
	files.Paths = names
	files.Begin = func() { kick(resource.Hint{}) }
	files.Changed = func(name, by string) { kick(resource.Hint{Name: name, By: by}) }
	return files.Listen(ctx)
}
