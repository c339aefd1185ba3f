package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"vpnd/internal/archive"
	"vpnd/internal/atomic"
	"vpnd/internal/cli/passphrase"
	"vpnd/internal/cli/view"
	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/moving"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

func (a *app) backupCommand() *cobra.Command {
	var recipients []string
	var words string
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write what can't be made anew into one encrypted archive",
		Long: `Writes the keys, certificates, lists and ledgers that vpnd made on this host, and the
configuration, into one archive, which a passphrase opens or the identity of a
recipient of age. vpnd restore puts them on another host: the same CA, the same
keys of clients, the same revocations, who has which profile and which address. The files of a CA that was there before go
along; of a key that is kept elsewhere it is told that it does not.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			t, err := a.host(a.dir(cfg)).Begin(c.Context())
			if err != nil {
				return err
			}
			defer t.Close()
			to, err := a.recipients(recipients, words)
			if err != nil {
				return err
			}
			return a.backup(t.Engine, cfg, args[0], to)
		},
	}
	c.Flags().StringArrayVar(&recipients, "recipient", nil, "encrypt it to this `KEY` of age, as age-keygen(1) writes it; may be repeated")
	c.Flags().StringVar(&words, "passphrase-file", "", "read the passphrase from the first line of `FILE` instead of the terminal; - is the standard input")
	c.MarkFlagsMutuallyExclusive("recipient", "passphrase-file")
	return c
}

func (a *app) restoreCommand() *cobra.Command {
	var yes bool
	var identity, words string
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put what an archive of vpnd backup holds on this host",
		Long: `Puts what vpnd backup wrote on this host, which vpnd has made nothing on yet. What
stands there already and differs is named, and nothing is written then. After it,
vpnd plan shows what the configuration asks for besides.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			by, err := a.identities(identity, words)
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			m, entries, err := archive.Read(f, by...)
			if err != nil {
				return err
			}
			host := a.host(a.dir(nil))
			t, err := host.Begin(c.Context())
			if err != nil {
				return err
			}
			defer t.Close()
			if n := len(t.Engine.Store.Records()); n > 0 {
				return fmt.Errorf("vpnd has made %s on this host, and an archive would be mixed up with that; vpnd destroy takes it off, or restore on a new host", report.Count(n, "thing"))
			}
			agreed := func() error {
				if yes {
					return nil
				}
				return host.Agreed(c.Context())
			}
			if err := a.restore(m, entries, agreed); err != nil || m.Given == nil {
				return err
			}
			var given []state.Record
			if err := json.Unmarshal(m.Given, &given); err != nil {
				return fmt.Errorf("who had which profile can't be read, and all else was restored: %w", err)
			}
			return t.Engine.Store.TakeOver(given)
		},
	}
	yesFlag(c, &yes)
	c.Flags().StringVar(&identity, "identity", "", "open it with the identities of age in `FILE`")
	c.Flags().StringVar(&words, "passphrase-file", "", "read the passphrase from the first line of `FILE` instead of the terminal; - is the standard input")
	c.MarkFlagsMutuallyExclusive("identity", "passphrase-file")
	return c
}

// backup writes the archive for root alone, where nothing is yet.
func (a *app) backup(e *engine.Engine, cfg *config.Config, file string, to []age.Recipient) error {
	paths, err := inside(filepath.Clean("/"+a.root), append(documents(cfg), cfg.Paths...))
	if err != nil {
		return err
	}
	files, things := len(paths), 0
	others := luggage(cfg)
	away := a.missing(others.Away)
	for _, r := range e.Store.Records() {
		if e.Catalog.Traits(r.ID.Kind).Moves && !slices.Contains(away, r.ID.Name) {
			paths, things = append(paths, r.ID.Name), things+1
		}
	}
	if things == 0 {
		return errors.New("vpnd has made nothing on this host that can't be made anew; vpnd apply comes first")
	}
	for _, path := range append(others.Files, others.Away...) {
		if !slices.Contains(away, path) && !slices.Contains(paths, path) {
			paths, things = append(paths, path), things+1
		}
	}
	for _, path := range others.Loose {
		if len(a.missing([]string{path})) == 0 {
			paths, things = append(paths, path), things+1
		}
	}
	entries, err := moving.Gather(filepath.Clean("/"+a.root), paths)
	if err != nil {
		return fmt.Errorf("the archive would not be whole: %w", err)
	}
	given, err := json.Marshal(handedOut(e))
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // it only says where it comes from
	var sealed bytes.Buffer
	if err := archive.Write(&sealed, archive.Manifest{Version: Version, Host: host, Made: e.Now().UTC(), Given: given}, entries, to...); err != nil {
		return err
	}
	if err := fresh(file, sealed.Bytes()); err != nil {
		return err
	}
	a.printf("Wrote %s: %s and %s of configuration. Without the passphrase, or the identity, nobody opens it: keep that elsewhere.\n",
		file, report.Count(things, "thing"), report.Count(files, "file"))
	for _, path := range away {
		a.say("%s is kept elsewhere, and no part of the archive: keep it", path)
	}
	return nil
}

// handedOut are the records of what people have a copy of, or had, without what only
// this host can use.
func handedOut(e *engine.Engine) []state.Record {
	var all []state.Record
	for _, r := range e.Store.Records() {
		if r.Given != nil {
			r.Owners, r.After, r.Triggers, r.Prior, r.Touched = nil, nil, nil, "", nil
			all = append(all, r)
		}
	}
	return all
}

// luggage returns what blocks rest on and others made.
func luggage(cfg *config.Config) resource.Luggage {
	var all resource.Luggage
	for _, b := range cfg.Blocks {
		if m, ok := b.Shape.(resource.Mover); ok {
			one := m.Moves(b.ID.Name)
			all.Files, all.Away, all.Loose = append(all.Files, one.Files...), append(all.Away, one.Away...), append(all.Loose, one.Loose...)
		}
	}
	return all
}

// missing returns those files that are not there.
func (a *app) missing(files []string) []string {
	var gone []string
	for _, file := range files {
		if _, err := atomic.Stat(filepath.Clean("/"+a.root), file); errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, file)
		}
	}
	return gone
}

// documents returns the files that blocks name and that are read with the
// configuration: without them it is not whole.
func documents(cfg *config.Config) []string {
	var all []string
	for _, b := range cfg.Blocks {
		all = append(all, b.Read...)
	}
	return all
}

// inside returns files as they are seen below a root; what lies elsewhere is no part
// of that host and left out.
func inside(root string, files []string) ([]string, error) {
	var all []string
	for _, file := range files {
		file, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		if rel, err := filepath.Rel(root, file); err == nil && filepath.IsLocal(rel) {
			all = append(all, "/"+rel)
		}
	}
	return all, nil
}

// fresh writes a file for its owner alone where none is.
func fresh(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// restore writes all of an archive or nothing.
func (a *app) restore(m archive.Manifest, entries []archive.Entry, agreed func() error) error {
	p, err := moving.Compare(filepath.Clean("/"+a.root), entries)
	if err != nil {
		return err
	}
	if len(p.Differ) > 0 {
		return fmt.Errorf("%s would be overwritten, and nothing was written; move away what nobody needs: %s", report.Count(len(p.Differ), "file"), report.Names(p.Differ))
	}
	a.printf("An archive of %s, made %s: %s to write, in %s.\n", view.Printable(m.Host), m.Made.Local().Format("2006-01-02 15:04"), report.Count(p.Len(), "file"), report.Names(p.Places()))
	if err := agreed(); err != nil {
		return err
	}
	if err := p.Do(); err != nil {
		return err
	}
	a.printf("Restored. vpnd plan shows what the configuration asks for besides, and vpnd apply does it.\n")
	return nil
}

// recipients returns to whom an archive is encrypted.
func (a *app) recipients(keys []string, file string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, key := range keys {
		r, err := age.ParseX25519Recipient(key)
		if err != nil {
			return nil, fmt.Errorf("--recipient: %w; write the public key, as in age1…", err)
		}
		all = append(all, r)
	}
	if len(all) > 0 {
		return all, nil
	}
	secret, err := a.asker().New(file, shortestPassphrase, "a CA")
	if err != nil {
		return nil, err
	}
	r, err := age.NewScryptRecipient(secret.Reveal())
	return []age.Recipient{r}, err
}

// identities returns what opens an archive.
func (a *app) identities(file, words string) ([]age.Identity, error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return age.ParseIdentities(f)
	}
	secret, err := a.asker().Old(words)
	if err != nil {
		return nil, err
	}
	i, err := age.NewScryptIdentity(secret.Reveal())
	return []age.Identity{i}, err
}

// shortestPassphrase is how many characters a passphrase has at least.
const shortestPassphrase = 12

func (a *app) asker() passphrase.Asker {
	return passphrase.Asker{In: a.In, Err: a.Err, Or: ", or a key of age"}
}
