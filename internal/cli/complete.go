package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vpnd/internal/state"
)

// A completer proposes words for an argument or a flag.
type completer = func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// completes returns a completer of one argument from the state. What can't be
// read proposes nothing: a shell is no place for errors.
func (a *app) completes(words func(*state.Store) []string) completer {
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		// The command that completes was made ready before it knew the flags.
		if !c.Flags().Changed("config") {
			a.config = nil
		}
		if !c.Flags().Changed("run-dir") {
			a.runDir = ""
		}
		if len(args) > 0 || a.ready() != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		store, err := state.Read(a.dir(nil))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all := slices.DeleteFunc(words(store), func(word string) bool { return !strings.HasPrefix(word, typed) })
		slices.Sort(all)
		return slices.Compact(all), cobra.ShellCompDirectiveNoFileComp
	}
}

// addressWords are the addresses of all that is recorded: blocks and resources.
func addressWords(store *state.Store) []string {
	var all []string
	for _, r := range store.Records() {
		all = append(all, r.ID.String())
		for _, o := range r.Owners {
			all = append(all, o.Block.String())
		}
	}
	return all
}

// snapshotWords are what vpnd rollback can go back to.
func snapshotWords(store *state.Store) []string {
	all, err := store.Snapshots()
	if err != nil {
		return nil
	}
	return all
}

// wishedWords are the addresses of what the configuration asks for, and of what is
// recorded.
func (a *app) wishedWords(store *state.Store) []string {
	all := addressWords(store)
	cfg, _, err := a.read(false)
	if err != nil {
		return all
	}
	for _, b := range cfg.Blocks {
		all = append(all, b.ID.String())
	}
	for _, r := range cfg.Desired.Present {
		all = append(all, r.ID.String())
	}
	return all
}
