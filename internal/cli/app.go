package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"vpnd/internal/catalog"
	"vpnd/internal/config"
	"vpnd/internal/config/source"
	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// app holds the flags that all commands share.
type app struct {
	terminal

	kinds   func(catalog.Options) resource.Catalog // on the host that the options name
	systemd func(context.Context) (confirm.Manager, error)

	env      []string // as it was at the start
	config   []string
	stateDir string
	runDir   string
	root     string
	vars     []string
	varFiles []string

	instead map[string][]byte // what files of the configuration are about to say

	ahead *reading // of the state, while the configuration is read; nil where nobody began

	shared  *notice.Shared // of the agent; nil of a command
	looks   *xtables.Looks // at rules, ahead of when they are asked for; nil where nobody began
	advise  bool           // nothing is done with the configuration
	garbage int            // how much of it there may be where there are many things, in percent of what is no garbage; 0 where the environment says so
}

func (a *app) flags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringArrayVar(&a.config, "config", nil, "configuration, a file or a directory `PATH`; may be repeated (default /etc/vpnd)")
	f.StringVar(&a.stateDir, "state-dir", "", "`DIR` of the state (default /var/lib/vpnd)")
	f.StringVar(&a.runDir, "run-dir", "", "`DIR` of what lasts until the next boot, and of caches (default /run/vpnd)")
	f.StringVar(&a.root, "root", "/", "converge the root file system below `DIR`, which does not run: files and links only")
	f.StringArrayVar(&a.vars, "var", nil, "value of a variable, as `NAME=VALUE`; may be repeated")
	f.StringArrayVar(&a.varFiles, "var-file", nil, "`FILE` with values of variables; may be repeated")
	f.StringVar(&a.color, "color", "auto", "`WHEN` to write colour: auto, always or never")
	f.StringVar(&a.logLevel, "log-level", "info", "`LEVEL` of what is said on standard error: debug, info, warn or error")
	for _, name := range []string{"config", "var-file"} {
		_ = root.MarkPersistentFlagFilename(name)
	}
	for _, name := range []string{"state-dir", "run-dir", "root"} {
		_ = root.MarkPersistentFlagDirname(name)
	}
	_ = root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions(colors, cobra.ShellCompDirectiveNoFileComp))
	_ = root.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions(levels, cobra.ShellCompDirectiveNoFileComp))
}

func (a *app) verboseFlag(c *cobra.Command) {
	c.Flags().BoolVar(&a.verbose, "verbose", false, "show each thing by itself, with every attribute")
}

// catalog returns every kind on the host that --root names.
func (a *app) catalog() resource.Catalog {
	return a.traced(a.kinds(catalog.Options{Root: a.root, Cache: a.cache(), Shared: a.shared, Looks: a.looks}))
}

// cache is the directory of what can be found out again.
func (a *app) cache() string { return filepath.Join(a.runDir, "cache") }

// manyThings is from how many on a command spares memory rather than time: what it
// leaves behind would weigh more than all that it needs.
const manyThings = 5000

// How much garbage a command spares then. What changes a host holds more at once, and
// what it leaves behind weighs less beside that; each of many changes adds to both.
const (
	spared         = 50
	sparedChanging = 150
	sparedMany     = 100 // with many changes
)

// changes says that the command changes the host.
func (a *app) changes(ctx context.Context) {
	if a.garbage > 0 {
		a.garbage = sparedChanging
	}
	a.readAhead(ctx)
}

// makes says how many changes a command is about to make.
func (a *app) makes(changes int) {
	if a.garbage > 0 && changes > manyThings {
		debug.SetGCPercent(sparedMany)
	}
}

// load reads the configuration. Its mistakes and warnings are written to Err.
func (a *app) load() (*config.Config, error) {
	cfg, diags, err := a.read(false)
	if err != nil {
		return nil, err
	}
	a.print(diags, cfg.Files)
	if diags.HasErrors() {
		return nil, exitStatus(exitError)
	}
	if a.garbage > 0 && len(cfg.Desired.Present) > manyThings {
		debug.SetGCPercent(a.garbage)
	}
	if a.root != "/" && len(cfg.Checks) > 0 { // they would look at this host
		cfg.Checks = nil
		a.say("left out below --root: checks; they need a running host")
	}
	return cfg, nil
}

// written reads what is written in the configuration, and not what that stands for. Its
// warnings are left to who reads all of it.
func (a *app) written() (*config.Config, error) {
	cfg, diags, err := a.read(true)
	if err == nil && diags.HasErrors() {
		a.print(diags, cfg.Files)
		err = exitStatus(exitError)
	}
	return cfg, err
}

// read reads the configuration without a word, or only what is written in it.
func (a *app) read(written bool) (*config.Config, hcl.Diagnostics, error) {
	vars := make(map[string]string)
	for _, v := range a.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return nil, nil, fmt.Errorf("--var %s has no value; write --var NAME=VALUE", v)
		}
		vars[name] = value
	}
	cfg, diags := config.Load(config.Source{
		Paths: a.config, Vars: vars, VarFiles: a.varFiles, Env: a.env,
		Instead: a.instead, StateDir: a.stateDir, Credentials: os.Getenv("CREDENTIALS_DIRECTORY"),
		Trust: a.trust(), Advise: a.advise, Own: a.own, Place: a.place(), Written: written,
	}, a.catalog(), Version)
	return cfg, diags, nil
}

// A reading is the state of a directory that is being read, or was.
type reading struct {
	dir   string
	done  chan struct{} // closed when it was read
	store *state.Store
	err   error
}

// readAhead begins to read the state while the configuration is read, where that can't
// say that it is elsewhere, and then of the host what is on record.
func (a *app) readAhead(ctx context.Context) {
	if a.ahead != nil || a.stateDir == "" && source.Mentions(a.config, "state_dir") {
		return
	}
	r := &reading{dir: a.dir(&config.Config{}), done: make(chan struct{})}
	a.ahead, a.looks = r, new(xtables.Looks)
	kinds := a.catalog()
	go func() {
		foresee := func(context.Context) {}
		if r.store, r.err = state.Read(r.dir); r.err == nil {
			foresee = engine.Foresee(kinds, r.store)
		}
		close(r.done) // from here on the store is of who waited for it
		foresee(ctx)
	}()
}

// state reads the state of a directory for looking only. Of what was read before, it
// reads only what others have written since.
func (a *app) state(dir string) (*state.Store, error) {
	r := a.ahead
	if r == nil || r.dir != dir {
		return state.Read(dir)
	}
	a.ahead = nil
	if <-r.done; r.err != nil {
		return r.store, r.err
	}
	return r.store, r.store.Reread()
}

// left has the state as a transaction left it be read again by what comes after.
func (a *app) left(store *state.Store) {
	a.ahead = &reading{dir: store.Dir(), done: make(chan struct{}), store: store}
	close(a.ahead.done)
}

// look opens the state for planning only.
func (a *app) look(dir string) (*engine.Engine, error) {
	store, err := a.state(dir)
	if err != nil {
		return nil, err
	}
	return a.engine(store), nil
}

func (a *app) engine(store *state.Store) *engine.Engine {
	return &engine.Engine{Catalog: a.catalog(), Store: store, Now: time.Now}
}

// plan compares the host with the configuration. Wishes that the host would
// refuse are written as diagnostics with their place.
func (a *app) plan(ctx context.Context, e *engine.Engine, cfg *config.Config, targets []string) (*engine.Plan, error) {
	ids, err := addresses(targets)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		if _, damage, err := e.Store.Standing(); err != nil || damage != nil {
			return nil, partly(damage, err)
		}
		a.idle = "Nothing to do: what --target names is as the configuration says."
	}
	d := cfg.Desired
	d.Absent = e.Leftovers(d.Present)
	p, err := e.Plan(ctx, d, ids...)
	if os.Geteuid() != 0 && (err != nil || len(p.Problems) > 0) {
		a.say("only root can look at all that a host has; run vpnd as root")
	}
	if err != nil {
		return nil, a.placed(err, cfg)
	}
	notes, err := forgotten(e.Store, cfg)
	p.Notes = append(p.Notes, notes...)
	return p, err
}

// partly says why a part of a configuration can't be told from the rest.
func partly(damage *state.DamageError, err error) error {
	if damage == nil {
		return err
	}
	return fmt.Errorf("--target leaves the rest as it is in force, and nobody knows how that is: %w (without --target)", damage)
}

// proved is a plan of which is known that an apply could do it, as far as that can
// be known before.
func (a *app) proved(ctx context.Context, e *engine.Engine, cfg *config.Config, targets []string) (*engine.Plan, error) {
	p, err := a.plan(ctx, e, cfg, targets)
	if err != nil {
		return nil, err
	}
	return p, a.placed(e.Preflight(ctx, p), cfg)
}

func addresses(words []string) ([]resource.ID, error) {
	var ids []resource.ID
	var errs []error
	for _, word := range words {
		id, err := resource.ParseID(word)
		ids, errs = append(ids, id), append(errs, err)
	}
	return ids, errors.Join(errs...)
}

// placed writes refused wishes as diagnostics and leaves other errors alone.
func (a *app) placed(err error, cfg *config.Config) error {
	var diags hcl.Diagnostics
	var rest []error
	for _, e := range resource.Each(err) {
		var wish *engine.WishError
		if !errors.As(e, &wish) {
			rest = append(rest, e)
			continue
		}
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "The host would refuse " + wish.ID.String(),
			Detail:   upper(wish.Err.Error()) + ".",
			Subject:  place(cfg, wish),
		})
	}
	a.print(diags, cfg.Files)
	if len(rest) == 0 && len(diags) > 0 {
		return exitStatus(exitError)
	}
	return errors.Join(rest...)
}

func place(cfg *config.Config, wish *engine.WishError) *hcl.Range {
	for _, o := range wish.Owners {
		if i := slices.IndexFunc(cfg.Blocks, func(b config.Block) bool { return b.ID == o.Block }); i >= 0 {
			at := cfg.Blocks[i].At(wish.Path)
			return &at
		}
	}
	return nil
}

func upper(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if s == "" || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return s // a name, which is not ours to write otherwise
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// mostNames is how many things of one call the log names.
const mostNames = 5

// traced has the kinds tell in the log what they do, where that is asked for.
func (a *app) traced(c resource.Catalog) resource.Catalog {
	if a.level > slog.LevelDebug {
		return c
	}
	log := a.log()
	return c.Traced(func(c resource.Call) {
		names := strings.Join(c.Names[:min(len(c.Names), mostNames)], " ")
		if more := len(c.Names) - mostNames; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		attrs := []any{"verb", c.Verb, "kind", c.Kind, "names", names, "took", c.Took.Round(time.Microsecond)}
		if c.Err != nil {
			attrs = append(attrs, "error", c.Err)
		}
		log.Debug("verb called", attrs...)
	})
}
