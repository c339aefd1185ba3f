package openvpn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// A Vocabulary is what the OpenVPN of this host has names for. Each list is asked
// for once, and only where somebody wants to know.
type Vocabulary struct {
	mu    sync.Mutex
	known map[string][]string // by the argument that lists them
}

// A Word is a directive that takes names which differ from one build of OpenVPN,
// or of its TLS library, to another.
type Word struct {
	directive string
	list      string   // the argument of OpenVPN that lists the names
	always    []string // of every version since 2.4, as far as OpenSSL 3 has them
}

// The words.
var (
	Cipher   = Word{"data-ciphers-fallback", "--show-ciphers", []string{"AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "AES-128-GCM", "AES-192-GCM", "AES-256-GCM", "CHACHA20-POLY1305", "none"}}
	Digest   = Word{"auth", "--show-digests", []string{"SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "none"}}
	TLSWord  = Word{"tls-cipher", "--show-tls", nil}
	TLSSuite = Word{"tls-ciphersuites", "--show-tls", []string{"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}}
	TLSGroup = Word{"tls-groups", "--show-curves", []string{"X25519", "X448", "prime256v1", "secp256r1", "secp384r1", "secp521r1"}}
)

// Knows returns what is wrong with a name, nil where OpenVPN takes it. Where
// OpenVPN is not installed yet, a name that not every version has is told.
func (v *Vocabulary) Knows(ctx context.Context, w Word, name string) *resource.Mistake {
	if slices.ContainsFunc(w.always, func(known string) bool { return strings.EqualFold(known, name) }) {
		return nil
	}
	program, err := exec.LookPath("openvpn")
	if errors.Is(err, exec.ErrNotFound) {
		m := untold(fmt.Sprintf("knows %s", name))
		if near := Closest(name, w.always); near != "" {
			m.Hint += "; did you mean " + near + "?"
		}
		return m
	}
	if err != nil {
		return &resource.Mistake{Summary: fmt.Sprintf("looking for openvpn: %v", err), Hint: "see its file"}
	}
	names := v.names(ctx, program, w.list)
	if slices.ContainsFunc(names, func(known string) bool { return strings.EqualFold(known, name) }) {
		return nil
	}
	// The lists leave other names of the same things out.
	if err := starts(ctx, program, w.directive+" "+name+"\n"); err == nil && os.Geteuid() == 0 {
		return nil
	}
	hint := fmt.Sprintf("openvpn %s lists what it knows", w.list)
	if near := Closest(name, append(names, w.always...)); near != "" {
		hint = fmt.Sprintf("write %s, or another one that openvpn %s lists", near, w.list)
	}
	return &resource.Mistake{Summary: fmt.Sprintf("the OpenVPN of this host knows no %s", name), Hint: hint}
}

// untold is the doubt about what an OpenVPN does that is not there yet.
func untold(what string) *resource.Mistake {
	return &resource.Mistake{
		Summary: fmt.Sprintf("whether OpenVPN %s is not known before it is installed", what),
		Hint:    "it is asked then, before the server is touched", Warning: true,
	}
}

// names returns the first words of a list.
func (v *Vocabulary) names(ctx context.Context, program, list string) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if names, ok := v.known[list]; ok {
		return names
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, list)
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	out, _ := cmd.Output() // it ends with 1 where it is asked for a list
	var names []string
	for line := range strings.Lines(string(out)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word != "" && (rest == "" || strings.HasPrefix(strings.TrimSpace(rest), "(") || strings.Contains(rest, " bit digest size")) {
			names = append(names, word)
		}
	}
	if v.known == nil {
		v.known = make(map[string][]string)
	}
	v.known[list] = names
	return names
}

// Closest returns the name that differs least, in at most two letters.
func Closest(name string, names []string) string {
	best, at := "", 3
	for _, n := range names {
		if d := distance(strings.ToUpper(name), strings.ToUpper(n)); d < at {
			best, at = n, d
		}
	}
	return best
}

// distance is how many letters have to be changed, put in, taken out or exchanged
// with their neighbour.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], 1+rows[i-2][j-2])
			}
		}
	}
	return rows[len(a)][len(b)]
}

// Readable returns what is wrong with one line of a configuration, nil where
// OpenVPN can read it. Where it is not installed yet, that is told.
func Readable(ctx context.Context, line string) *resource.Mistake {
	if _, err := exec.LookPath("openvpn"); errors.Is(err, exec.ErrNotFound) {
		return untold(fmt.Sprintf("can read %q", line))
	}
	room, leave, err := atomic.Room("directive")
	if err == nil {
		defer leave()
		file := filepath.Join(room, "line.conf")
		if err = os.WriteFile(file, []byte(line+"\n"), 0o600); err == nil {
			err = Syntax(ctx, file)
		}
	}
	if err == nil {
		return nil
	}
	return &resource.Mistake{Summary: fmt.Sprintf("OpenVPN can't read %q: %v", line, err), Hint: "see openvpn(8) of its version for how it is written"}
}

// Sockets wants an OpenVPN that listens at several places in one process, nil where it
// does. Where it is not installed yet, that is told.
func Sockets(ctx context.Context) *resource.Mistake {
	m := Readable(ctx, "local 0.0.0.0 1194 udp4")
	if m == nil || m.Warning {
		return m
	}
	return &resource.Mistake{
		Summary: "the OpenVPN of this host listens at one place only",
		Hint:    "install 2.7 or later, as from the backports of Debian 13, or leave processes out: then each listener is a process of its own, with a part of the network",
	}
}
