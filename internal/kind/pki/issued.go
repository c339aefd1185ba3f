package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"path"
	"regexp"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
)

// issuedBefore returns what a CA signed before vpnd came: the lines of an
// index.txt, or the certificates in a directory.
func issuedBefore(s *derived.Scene, name string) ([]entry, error) {
	info, err := atomic.Stat(s.Root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("nothing stands at %s, which is to tell what the CA issued before; bring it back from the old CA, or leave out issued", name)
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode.IsDir() {
		return readIndex(s, name)
	}
	names, err := s.List(name)
	if err != nil {
		return nil, fmt.Errorf("reading what was issued before: %w", err)
	}
	var all []entry
	for _, file := range names {
		data, err := s.Follow(path.Join(name, file))
		if err != nil {
			continue // another directory, or gone meanwhile
		}
		cert, err := policy.ParseCertificate(data)
		if err != nil {
			continue // a key, a request
		}
		all = append(all, entryOf(cert))
	}
	return all, nil
}

// readIndex reads a database of openssl-ca(1).
func readIndex(s *derived.Scene, name string) ([]entry, error) {
	data, err := s.Follow(name)
	if err != nil {
		return nil, fmt.Errorf("reading what was issued before: %w", err)
	}
	var all []entry
	for i, line := range strings.Split(string(data), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		e, err := indexed(strings.TrimSuffix(line, "\r"))
		if err != nil {
			return nil, fmt.Errorf("reading line %d of %s: %w; give the index.txt of the old CA as it is, or a directory of its certificates", i+1, name, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// indexed reads a line: V, R or E; the end; when and why it was revoked; the
// serial number; a file; the distinguished name.
func indexed(line string) (entry, error) {
	f := strings.Split(line, "\t")
	if len(f) != 6 {
		return entry{}, fmt.Errorf("it has %d fields and not the 6 of a database of openssl ca", len(f))
	}
	until, err := indexTime(f[1])
	if err != nil {
		return entry{}, err
	}
	serial, ok := policy.ParseSerial(f[3])
	if !ok {
		return entry{}, fmt.Errorf("%q is no serial number", f[3])
	}
	e := entry{serial: serial, name: commonNameIn(f[5]), until: until}
	if f[0] == "R" {
		e.gone = indexNote(f[2])
	}
	return e, nil
}

// indexTime reads a UTCTime or a GeneralizedTime.
func indexTime(text string) (time.Time, error) {
	for _, layout := range []string{"060102150405Z", "20060102150405Z"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", text)
}

// indexReasons are those that openssl ca writes into its database, by the words
// for them.
var indexReasons = map[string]Reason{"keyCompromise": Compromised, "superseded": Superseded}

// indexNote reads when and why a certificate was revoked. What can't be read
// revokes all the same.
func indexNote(text string) *note {
	at, why, _ := strings.Cut(text, ",")
	n := &note{reason: Ceased}
	if r, ok := indexReasons[why]; ok {
		n.reason = r
	}
	if t, err := indexTime(at); err == nil {
		n.at = t
	}
	return n
}

// nextPart is where a part of a distinguished name begins, as X509_NAME_oneline(3)
// writes it.
var nextPart = regexp.MustCompile(`/[A-Za-z][A-Za-z0-9.]*=`)

// escaped is a byte that X509_NAME_oneline(3) does not print.
var escaped = regexp.MustCompile(`\\x[0-9A-F]{2}`)

// commonNameIn returns the common name of a name such as /C=US/CN=alice.
func commonNameIn(name string) string {
	at := nextPart.FindAllStringIndex(name, -1)
	for i, part := range at {
		if name[part[0]:part[1]] != "/CN=" {
			continue
		}
		end := len(name)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		return escaped.ReplaceAllStringFunc(name[part[1]:end], func(s string) string {
			b, _ := new(big.Int).SetString(s[2:], 16)
			return string([]byte{byte(b.Int64())})
		})
	}
	return ""
}
