package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"vpnd/internal/cli/view"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/seen"
	"vpnd/internal/state"
	"vpnd/internal/transaction"
)

func (a *app) destroyCommand() *cobra.Command {
	var yes, purge bool
	c := &cobra.Command{
		Use:   "destroy",
		Short: "Take everything that vpnd made off the host and give back what it took over",
		Long: `Takes everything that vpnd made off the host and gives back what it took over.
vpnd rollback brings it back, and so the snapshots stay, and apart from them the
secrets that they need. With --purge these go too, with the key of the digests and
with who was connected when: nothing can be undone any more, and an agent leaves the
host alone until the next vpnd apply. The history stays.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			defer undisturbed()()
			t, p, err := a.host(a.dir(nil)).Agree(c.Context(), yes, func(t *transaction.Transaction) (*engine.Plan, error) {
				if err := t.Settled(); err != nil {
					return nil, err
				}
				a.idle = "Nothing to do: vpnd has nothing on this host."
				return t.Engine.Plan(c.Context(), resource.Desired{Absent: t.Engine.Leftovers(nil)})
			})
			if err != nil {
				return err
			}
			defer t.Close()
			if err := t.Destroy(c.Context(), p); err != nil {
				return err
			}
			if purge {
				if err := a.purge(t.Engine); err != nil {
					return err
				}
			}
			a.tellLeft(p, t.Engine.Store.Dir())
			if len(p.Changes) > 0 && !purge {
				a.printf("\nTo undo this: vpnd rollback%s\nFor that, keys and secrets stay in %s until: vpnd destroy --purge%[1]s\n", a.sameState(), t.Engine.Store.Dir())
			}
			return nil
		},
	}
	yesFlag(c, &yes)
	c.Flags().BoolVar(&purge, "purge", false, "also remove what an undo would need, and the secrets among it")
	a.verboseFlag(c)
	return c
}

func (a *app) purge(e *engine.Engine) error {
	gone, err := e.Store.Purge(e.Now())
	if err != nil {
		return err
	}
	if err := errors.Join(seen.Forget(e.Store.Dir()), os.RemoveAll(a.cache())); err != nil {
		return fmt.Errorf("forgetting who had a way in: %w", err)
	}
	_, _ = fmt.Fprintf(a.Out, "\nPurged %s: %s, the secrets that they needed, and the key of the digests. Nothing can be undone any more; the history stays.\n",
		e.Store.Dir(), report.Count(gone, "snapshot"))
	return nil
}

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
		a.printf("  %s\n", view.Printable(path))
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
