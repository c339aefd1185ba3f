// Package vpntest helps to test composites: what they expand into, as text,
// and whether the kernel takes their rules.
package vpntest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// Print writes resources as text: what each is, what it waits for and what
// refreshes it.
func Print(resources []resource.Resource) string {
	var b strings.Builder
	for _, r := range resources {
		fmt.Fprintf(&b, "%s\n", r.ID)
		for _, d := range resource.Describe(r.Want) {
			printAttribute(&b, d.Attribute, d.After)
		}
		printLists(&b, r.Want)
		for _, id := range r.After {
			fmt.Fprintf(&b, "    after %s\n", id)
		}
		for _, t := range r.Triggers {
			fmt.Fprintf(&b, "    on %s: %s\n", t.On, t.Do)
		}
	}
	return b.String()
}

// Asked writes which attributes the host is asked about before a resource is touched.
func Asked(resources []resource.Resource) string {
	var b strings.Builder
	for _, r := range resources {
		for _, q := range r.Requires {
			fmt.Fprintf(&b, "%s asks the host about %s\n", r.ID, q.Path)
		}
	}
	return b.String()
}

// printLists writes what reads better one a line, and which chain comes first.
func printLists(b *strings.Builder, want any) {
	switch w := want.(type) {
	case *chain.Chain:
		fmt.Fprintf(b, "  priority = %d\n", resource.Or(w.Priority, chain.Rules))
		for _, rule := range w.Rules {
			fmt.Fprintf(b, "      %s\n", rule)
		}
	case *pki.AssembledFile:
		for _, part := range w.Parts {
			switch {
			case part.File != nil:
				fmt.Fprintf(b, "      (%s%s)\n", *part.File, conditions(part))
			case part.Fingerprint != nil:
				fmt.Fprintf(b, "      (fingerprint of %s)\n", *part.Fingerprint)
			case part.Codes != nil:
				fmt.Fprintf(b, "      (since when there is %s)\n", *part.Codes)
			default:
				fmt.Fprintf(b, "      %s\n", strings.ReplaceAll(strings.TrimSuffix(*part.Text, "\n"), "\n", "\n      "))
			}
		}
	}
}

// conditions are when a part of a file is left out, and what a change of it means.
func conditions(p pki.Part) (text string) {
	switch {
	case p.Overlap != nil:
		text += fmt.Sprintf(", while %s holds what %s signed", *p.Overlap, resource.Or(p.CA, *p.File))
	case p.CA != nil:
		text += ", until the end of " + *p.CA
	}
	if resource.Or(p.Leaves, false) {
		text += ", and no longer"
	}
	if resource.Or(p.Apart, false) {
		text += ", voids no copy"
	}
	return text
}

func printAttribute(b *strings.Builder, name, value string) {
	switch {
	case name == "rules":
	case strings.Contains(value, "\n"):
		fmt.Fprintf(b, "  %s\n      %s\n", name, strings.ReplaceAll(strings.TrimSuffix(value, "\n"), "\n", "\n      "))
	default:
		fmt.Fprintf(b, "  %s = %s\n", name, value)
	}
}

// Mistakes writes what Validate found, one a line.
func Mistakes(found []resource.Mistake) string {
	var b strings.Builder
	for _, m := range found {
		word := "error"
		if m.Warning {
			word = "warning"
		}
		fmt.Fprintf(&b, "%s: %s: %s; %s\n", word, m.Path, m.Summary, m.Hint)
	}
	return b.String()
}

// Golden compares got with testdata/NAME, or writes that file where the test
// was called with -update.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Restore hands the rules of all chains among the resources to the kernel of
// the room the test runs in (see package nettest) and fails where it refuses.
func Restore(t *testing.T, resources []resource.Resource) {
	t.Helper()
	inputs := map[string]map[string]string{}
	for _, r := range resources {
		c, ok := r.Want.(*chain.Chain)
		if !ok {
			continue
		}
		parts := strings.SplitN(r.ID.Name, "/", 3)
		if inputs[parts[0]] == nil {
			inputs[parts[0]] = map[string]string{}
		}
		if len(parts[2]) > 28 {
			t.Errorf("%s is too long for a chain", parts[2])
		}
		lines := ":" + parts[2] + " - [0:0]\n"
		for _, rule := range c.Rules {
			lines += "-A " + parts[2] + " " + rule + "\n"
		}
		lines += "-A " + *c.Hook + " -j " + parts[2] + "\n"
		inputs[parts[0]][parts[1]] += lines
	}
	for family, tables := range inputs {
		restore(t, map[string]string{"ip": "iptables-restore", "ip6": "ip6tables-restore"}[family], tables)
	}
}

func restore(t *testing.T, program string, tables map[string]string) {
	t.Helper()
	var names []string
	for name := range tables {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		input := "*" + name + "\n" + tables[name] + "COMMIT\n"
		cmd := exec.Command(program, "--noflush")
		cmd.Stdin = strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", program, err, out, input)
		}
	}
}
