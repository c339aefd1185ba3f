// Package authority is the commands of vpnd pki that deal with a CA: what it is to
// sign goes out, what it has signed comes in, and what it made is shown to others.
package authority

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/config"
	"vpnd/internal/config/edit"
	"vpnd/internal/kind/pki"
	"vpnd/internal/report"
	"vpnd/internal/resource"
)

// A Session is where the commands read and write, and how they change the host.
type Session struct {
	In       io.Reader
	Out, Err io.Writer
	Terminal func() bool // who reads along reads the output on a terminal
	Root     func() string
	Read     func(path string) ([]byte, error) // a file of a person's, or standard input as -
	Load     func() (*config.Config, error)
	Apply    func(ctx context.Context, cfg *config.Config, unasked bool) error // shows what changes, asks, and does it

	Edit       func(ctx context.Context, change func([]edit.File) (edit.Change, error), unasked bool) error // the configuration, and applies that
	Disconnect func(ctx context.Context, name string) error                                                 // who is connected by that name
}

func (s *Session) host() pki.Host {
	return pki.Host{Root: filepath.Clean("/" + s.Root()), Clock: time.Now, Rand: rand.Reader, Synchronized: pki.Synchronized}
}

// wishes are those of a configuration that a CA has to do with.
type wishes struct {
	pki.Wishes
	requests map[string]*pki.CertificateRequest
	blocks   map[string]string // by path of a certificate, a list or a request: the address of the block
}

// wishesOf returns those of the blocks at an address, of all where it is empty.
func wishesOf(cfg *config.Config, in string) wishes {
	w := wishes{
		Wishes:   pki.Wishes{Certificates: make(map[string]*pki.Certificate), Lists: make(map[string]*pki.CRL)},
		requests: make(map[string]*pki.CertificateRequest), blocks: make(map[string]string),
	}
	for _, r := range cfg.Desired.Present {
		block := r.ID.String()
		if len(r.Owners) > 0 {
			block = r.Owners[0].Block.String()
		}
		if in != "" && in != block {
			continue
		}
		switch want := r.Want.(type) {
		case *pki.Certificate:
			w.Certificates[r.ID.Name] = want
		case *pki.CRL:
			w.Lists[r.ID.Name] = want
		case *pki.CertificateRequest:
			w.requests[r.ID.Name] = want
		default:
			continue
		}
		w.blocks[r.ID.Name] = block
	}
	return w
}

// label is what a person calls the thing at a path: its file, without the extension.
func label(at string) string { return strings.TrimSuffix(path.Base(at), path.Ext(at)) }

// called returns the paths of those that go by a name, sorted: their label, or their
// common name.
func called[T any](all map[string]T, name string, commonName func(T) string) []string {
	var found []string
	for at, one := range all {
		if label(at) == name || commonName(one) == name {
			found = append(found, at)
		}
	}
	slices.Sort(found)
	return found
}

func nameOf(s *pki.Subject) string { return resource.Or(s, pki.Subject{}).CommonName }

// one returns the only path of several, and says how to choose where there are more.
func (w wishes) one(found []string, what, name string, known []string) (string, error) {
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("the configuration has no %s of %q; it has those of %s", what, name, report.Names(known))
	}
	var blocks, labels []string
	for _, at := range found {
		blocks, labels = append(blocks, w.blocks[at]), append(labels, label(at))
	}
	slices.Sort(labels)
	if slices.Sort(blocks); len(slices.Compact(slices.Clone(blocks))) == 1 {
		return "", fmt.Errorf("several %ss of %s go by %q: %s; name one of these", what, blocks[0], name, strings.Join(labels, ", "))
	}
	return "", fmt.Errorf("%s has a %s in each of %s; choose one with --in", name, what, strings.Join(blocks, ", "))
}

// write writes to a file, or to the standard output where there is none. Mode is that of
// a new file.
func (s *Session) write(data []byte, out string, mode os.FileMode) error {
	if out == "" {
		_, err := s.Out.Write(data)
		return err
	}
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	return atomic.Write("/", atomic.File{Path: out, Data: data, Mode: mode, UID: os.Geteuid(), GID: os.Getegid()})
}

func sorted[T any](all map[string]T) []string { return slices.Sorted(maps.Keys(all)) }
