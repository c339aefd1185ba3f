package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// ledger is what a CA remembers: the names of the files in its directory.
type ledger struct {
	dir     string
	entries map[string]bool // serial numbers of certificates
	notes   map[string]bool // serial numbers of those that are revoked
	number  *big.Int        // of the last list; nil where none is noted
}

// ledgerEntry takes apart the name of a file in a ledger that is about one certificate:
// its serial number, and whether that is its copy or the note that it is revoked.
func ledgerEntry(file string) (serial, what string, ok bool) {
	serial, what, _ = strings.Cut(file, ".")
	return serial, what, serial != "" && strings.Trim(serial, "0123456789abcdef") == "" && (what == "pem" || what == "revoked")
}

// inLedgers says whether vpnd gives a file in a ledger that name.
func inLedgers(file string) bool {
	_, _, entry := ledgerEntry(file)
	return entry || file == numberName || file == listName
}

// numberName is the file that holds the number of the last list, in hexadecimal
// as in openssl-ca(1).
const numberName = "crlnumber"

func numberFile(dir string, n *big.Int) atomic.File {
	return atomic.File{Path: path.Join(dir, numberName), Data: []byte(n.Text(16) + "\n"), Mode: 0o600}
}

// number reads the number of the last list; what can't be read is none.
func number(h derived.Host, dir string) *big.Int {
	data, err := atomic.ReadFile(h.Root, path.Join(dir, numberName), derived.MaxFile)
	if err != nil {
		return nil
	}
	n, ok := new(big.Int).SetString(strings.TrimSpace(string(data)), 16)
	if !ok {
		return nil
	}
	return n
}

func openLedger(h derived.Host, dir string) (*ledger, error) {
	names, err := h.List(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	l := &ledger{dir: dir, entries: make(map[string]bool, len(names)), notes: make(map[string]bool)}
	for _, name := range names {
		switch serial, what, entry := ledgerEntry(name); {
		case name == numberName:
			l.number = number(h, dir)
		case entry && what == "pem":
			l.entries[serial] = true
		case entry:
			l.notes[serial] = true
		}
	}
	return l, nil
}

func (l *ledger) holds(serial string) bool   { return l.entries[serial] }
func (l *ledger) revoked(serial string) bool { return l.notes[serial] }

// entryFile is the copy of a certificate in a ledger.
func entryFile(dir string, cert *x509.Certificate) atomic.File {
	return atomic.File{Path: path.Join(dir, policy.SerialOf(cert.SerialNumber)+".pem"), Data: encodeCertificate(cert), Mode: 0o600}
}

// A Reason is why a certificate was revoked, RFC 5280 section 5.3.1.
type Reason int

// The reasons that vpnd gives.
const (
	Compromised Reason = 1 // somebody else has the key
	Superseded  Reason = 4 // another certificate took its place
	Ceased      Reason = 5 // its holder may not come in any more
)

// note is when and why a certificate was revoked.
type note struct {
	at     time.Time
	reason Reason
}

func noteFile(dir, serial string, n note) atomic.File {
	text := fmt.Sprintf("%s %d\n", n.at.UTC().Format(time.RFC3339), n.reason)
	return atomic.File{Path: path.Join(dir, serial+".revoked"), Data: []byte(text), Mode: 0o600}
}

// readNote reads when and why. A note that can't be read revokes all the same.
func readNote(h derived.Host, dir, serial string, now time.Time) note {
	n := note{at: now, reason: Ceased}
	data, err := atomic.ReadFile(h.Root, path.Join(dir, serial+".revoked"), derived.MaxFile)
	if err != nil {
		return n
	}
	var at string
	if _, err := fmt.Sscanf(string(data), "%s %d", &at, &n.reason); err != nil {
		return n
	}
	if t, err := time.Parse(time.RFC3339, at); err == nil {
		n.at = t
	}
	return n
}

// An Entry is a certificate that a CA signed.
type Entry struct {
	*x509.Certificate
	Serial  string
	Revoked bool
}

// Issued returns all that is in a ledger, in no order.
func Issued(h derived.Host, dir string) ([]Entry, error) {
	l, err := openLedger(h, dir)
	if err != nil {
		return nil, err
	}
	all := make([]Entry, 0, len(l.entries))
	for serial := range l.entries {
		cert, err := readEntry(h, dir, serial)
		if err != nil {
			return nil, err
		}
		all = append(all, Entry{Certificate: cert, Serial: serial, Revoked: l.revoked(serial)})
	}
	return all, nil
}

// Issued returns what a ledger held where that is on record, in no order.
func (l Ledger) Issued() ([]Entry, error) {
	if !asks(l.Entries) {
		return nil, nil
	}
	held, err := entriesOf(*l.Entries)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for name, text := range held {
		serial, what, entry := ledgerEntry(name)
		if !entry || what != "pem" {
			continue
		}
		cert, err := policy.ParseCertificate([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("reading %s of what the ledger held: %w", name, err)
		}
		_, revoked := held[serial+".revoked"]
		all = append(all, Entry{Certificate: cert, Serial: serial, Revoked: revoked})
	}
	return all, nil
}

func readEntry(h derived.Host, dir, serial string) (*x509.Certificate, error) {
	name := path.Join(dir, serial+".pem")
	data, err := atomic.ReadFile(h.Root, name, derived.MaxFile)
	if err != nil {
		return nil, err
	}
	return inLedger(name, data)
}

// inLedger reads the certificate in a file of a ledger.
func inLedger(name string, data []byte) (*x509.Certificate, error) {
	cert, err := policy.ParseCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s of the ledger: %w; bring it back from a backup, since without it that certificate can't be revoked", name, err)
	}
	return cert, nil
}

// ledgers are the verbs of ledgers.
type ledgers struct{ derived.Host }

func (l *ledgers) access(w *Ledger) derived.Access {
	return derived.Access{Mode: &w.Mode, Owner: &w.Owner, Group: &w.Group}
}

// Normalize turns numbers of owners into names.
func (l *ledgers) Normalize(_ context.Context, wants map[string]*Ledger) (map[string]*Ledger, error) {
	names, err := atomic.ReadNames(l.Root)
	if err != nil {
		return nil, err
	}
	normal := make(map[string]*Ledger, len(wants))
	for name, want := range wants {
		w := *want
		l.access(&w).Canonical(names)
		normal[name] = &w
	}
	return normal, nil
}

// look looks at the directory.
func (l *ledgers) look(name string) (*Ledger, error) {
	info, err := atomic.Stat(l.Root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode.IsDir() {
		return nil, errors.New("something that is no directory stands there; move it away")
	}
	names, err := atomic.ReadNames(l.Root)
	if err != nil {
		return nil, err
	}
	got := new(Ledger)
	l.access(got).Show(names, derived.Stat{Mode: info.Mode, UID: info.UID, GID: info.GID})
	return got, nil
}

// Apply makes directories.
func (l *ledgers) Apply(_ context.Context, items []resource.Item[Ledger]) error {
	return resource.ApplyEach(items, func(i resource.Item[Ledger]) error { return l.apply(i.Name, i.Got, i.Want) })
}

// apply makes the directory, and enters what it held before.
func (l *ledgers) apply(name string, got *Ledger, want Ledger) error {
	names, err := atomic.ReadNames(l.Root)
	if err != nil {
		return err
	}
	if got == nil {
		if err := atomic.Mkdir(l.Root, name, 0o700, 0, 0); err != nil {
			return err
		}
	}
	info, err := atomic.Stat(l.Root, name)
	if err != nil {
		return err
	}
	f, err := derived.Target(names, name, nil, l.access(&want), &derived.Stat{Mode: info.Mode, UID: info.UID, GID: info.GID})
	if err != nil {
		return err
	}
	if err := atomic.Own(l.Root, name, f.Mode, f.UID, f.GID); err != nil || !asks(want.Entries) {
		return err
	}
	return l.enter(name, *want.Entries)
}

// Remove removes directories.
func (l *ledgers) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, l.remove)
}

// remove removes what vpnd wrote there, and the directory.
func (l *ledgers) remove(name string) error {
	files, err := l.List(name)
	if err != nil {
		return err
	}
	var foreign []string
	for _, f := range files {
		if whole, half := atomic.Target(f); half {
			f = whole // a killed writer left it, and it goes with what it was to be
		}
		if !inLedgers(f) {
			foreign = append(foreign, f)
			continue
		}
		if err := atomic.Remove(l.Root, path.Join(name, f)); err != nil {
			return err
		}
	}
	err = atomic.RemoveDirectory(l.Root, name)
	if errors.Is(err, unix.ENOTEMPTY) {
		return fmt.Errorf("the directory holds what is not vpnd's: %s; move it away", strings.Join(foreign, ", "))
	}
	return err
}

// Tidy removes what a killed run left beside the directory and in it.
func (l *ledgers) Tidy(name string, _ Ledger) error {
	return errors.Join(atomic.Tidy(l.Root, name), atomic.TidyDirectory(l.Root, name))
}

// Watch hears of changes of the directories and of what is in them.
func (l *ledgers) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	concerned := make(map[string][]string)
	for _, name := range names {
		concerned[name], concerned[name+"/"] = []string{name}, []string{name}
	}
	return l.Hear(ctx, concerned, func() { kick(resource.Hint{}) }, kick)
}
