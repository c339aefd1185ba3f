package cli

import (
	"io/fs"
	"path/filepath"
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/state"
	"vpnd/internal/transaction"
)

// mostLeft is how many files are named before the rest is only counted.
const mostLeft = 20

// tellLeft names the files that a destroy leaves in vpnd's own directories. No
// record names them, as where a state was lost and a new one began: they may be
// keys that vpnd made once, or somebody else's.
func (a *app) tellLeft(p *engine.Plan, dir string) {
	roots := []string{a.below(transaction.Home), dir}
	for _, c := range p.Changes {
		if a.catalog().Traits(c.ID.Kind).Directory {
			roots = append(roots, a.below(c.ID.Name))
		}
	}
	var left []string
	for _, root := range roots {
		left = append(left, filesBelow(root, dir)...)
	}
	slices.Sort(left)
	if left = slices.Compact(left); len(left) == 0 {
		return
	}
	a.printf("\nLeft where they are, since no record says that vpnd made them; look at them, and remove what nobody needs:\n")
	for i, path := range left {
		if i == mostLeft {
			a.printf("  and %d more\n", len(left)-i)
			break
		}
		a.printf("  %s\n", printable(path))
	}
}

// filesBelow lists the files below a directory that are no part of the state.
func filesBelow(root, dir string) []string {
	var files []string
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil: // it is gone
		case entry.IsDir() && path != dir && state.Owns(dir, path):
			return filepath.SkipDir
		case !entry.IsDir() && !state.Owns(dir, path):
			files = append(files, path)
		}
		return nil
	})
	return files
}
