package lab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// An archive is where packages come from and who must have signed them.
type archive struct {
	uri     string // empty: debootstrap's own choice
	keyring string // empty: debootstrap's own choice
	proxy   []string
}

// findArchive reads from the machine's apt where it gets suite from, or else any
// release of Debian's, which stand side by side on a mirror. A machine of another
// distribution has no answer, and then debootstrap knows one.
func findArchive(ctx context.Context, suite string, progress io.Writer) (archive, error) {
	proxy, err := output(ctx, "apt-config", "shell", "http_proxy", "Acquire::http::Proxy", "https_proxy", "Acquire::https::Proxy")
	if err != nil {
		return archive{}, err
	}
	a := archive{proxy: assignments(proxy)}
	for _, update := range []bool{false, true} {
		if update { // a machine whose lists were never fetched
			if err := say(ctx, progress, "apt-get", "-q", "update"); err != nil {
				return archive{}, err
			}
		}
		text, err := output(ctx, "apt-get", "indextargets", "Created-By: Packages")
		if err != nil {
			return archive{}, err
		}
		if uri, entry := target(text, suite); uri != "" {
			a.uri, a.keyring = uri, signedBy(entry)
			return a, nil
		}
	}
	fmt.Fprintf(progress, "lab: apt knows no mirror of %s here, leaving the choice to debootstrap\n", suite)
	return a, nil
}

// target finds the suite's main component in what apt-get indextargets prints,
// or else that of another release of Debian, and returns where it is and which
// entry of which file says so. Updates and backports count for nothing: a mirror of
// security updates has no releases.
func target(text, suite string) (uri, entry string) {
	for stanza := range strings.SplitSeq(text, "\n\n") {
		f := fields(stanza)
		whole := f["Release"] == f["Codename"] || f["Release"] == f["Suite"]
		if f["Component"] != "main" || !whole {
			continue
		}
		if f["Codename"] == suite {
			return f["Repo-URI"], f["Sourcesentry"]
		}
		if uri == "" && slices.Contains(Releases(), f["Codename"]) {
			uri, entry = f["Repo-URI"], f["Sourcesentry"]
		}
	}
	return uri, entry
}

// fields reads one stanza of a deb822(5) text; continued lines are dropped.
func fields(stanza string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(stanza) {
		if key, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, " ") {
			m[key] = strings.TrimSpace(value)
		}
	}
	return m
}

// signedBy is the keyring that an entry of sources.list(5) names, if it names
// one. An entry is a file and the number of its stanza, or of its line in the
// one-line format.
func signedBy(entry string) string {
	path, number, _ := strings.Cut(entry, ":")
	n, err := strconv.Atoi(number)
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	keyring := ""
	if filepath.Ext(path) == ".sources" {
		keyring = fields(nth(f, n, blankLines))["Signed-By"]
	} else if _, after, ok := strings.Cut(nth(f, n, bufio.ScanLines), "signed-by="); ok {
		keyring = after[:strings.IndexAny(after+"]", " ,]")]
	}
	if !filepath.IsAbs(keyring) {
		return "" // an inline key or a fingerprint, which debootstrap can't use
	}
	return keyring
}

// nth is the nth piece of r, counted from one.
func nth(r io.Reader, n int, split bufio.SplitFunc) string {
	s := bufio.NewScanner(r)
	s.Split(split)
	for i := 0; s.Scan(); {
		if i++; i == n {
			return s.Text()
		}
	}
	return ""
}

// blankLines splits a text into its stanzas.
func blankLines(data []byte, atEOF bool) (int, []byte, error) {
	if !atEOF {
		return 0, nil, nil
	}
	text := string(data)
	skipped := len(text) - len(strings.TrimLeft(text, "\n"))
	stanza, _, _ := strings.Cut(text[skipped:], "\n\n")
	if stanza == "" {
		return len(data), nil, nil
	}
	return skipped + len(stanza), []byte(stanza), nil
}

// assignments reads what apt-config shell prints: lines of name='value'.
func assignments(text string) []string {
	var env []string
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			env = append(env, name+"="+strings.Trim(value, "'"))
		}
	}
	return env
}

// output runs a program of the machine and returns what it printed.
func output(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = machineEnviron()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// say runs a program of the machine and passes on what it prints.
func say(ctx context.Context, progress io.Writer, argv ...string) error {
	fmt.Fprintf(progress, "lab: %s\n", strings.Join(argv, " "))
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = machineEnviron()
	cmd.Stdout, cmd.Stderr = progress, progress
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return nil
}
