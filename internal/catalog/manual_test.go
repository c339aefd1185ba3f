package catalog

import (
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"vpnd/internal/config/explain"
	"vpnd/internal/resource"
)

// mark is where the manual page has its blocks once it is installed.
const mark = `.\" @BLOCKS@`

// The manual page that is installed has every block with every attribute, and
// mandoc has nothing to say against it.
func TestManualHasAllBlocks(t *testing.T) {
	c := New(Options{})
	text := explain.Manual(c)
	for _, k := range c.Kinds {
		has(t, text, k.Name, k.New())
	}
	for _, k := range c.Composites {
		has(t, text, k.Name, k.New())
	}
	page, err := os.ReadFile("../../packaging/vpnd.hcl.5")
	if err != nil || strings.Count(string(page), mark+"\n") != 1 {
		t.Fatalf("vpnd.hcl.5 has no place for blocks: %v", err)
	}
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Log("without mandoc its opinion is not asked; make lint has it")
		return
	}
	lint := exec.Command(mandoc, "-T", "lint", "-W", "warning")
	lint.Stdin = strings.NewReader(strings.Replace(string(page), mark+"\n", text, 1))
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}

// has looks for a block and what is directly in it.
func has(t *testing.T, text, name string, shape any) {
	t.Helper()
	_, section, found := strings.Cut(text, "\n.Ss "+name+"\n")
	section, _, _ = strings.Cut(section, "\n.Ss ")
	if !found {
		t.Errorf("%s is not in the manual", name)
	}
	for _, f := range resource.Fields(reflect.TypeOf(shape)) {
		written := !f.Computed && !f.Label
		if strings.Contains(section, "\n.It Li "+f.Name) != written {
			t.Errorf("%s.%s: in the manual is %v, not %v", name, f.Name, !written, written)
		}
	}
}
