package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What commands print for people, where no agent runs.
func TestWords(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("run this test as root, in a container")
	}
	r, err := newRig(testDir(t))
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(r.dir, "pki", "ca.crt")
	if err := r.write("pki \"office\" {\n directory = \"" + filepath.Dir(ca) + "\"\n subject { common_name = \"CA\" }\n}\n"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args, want, lacks string
	}{
		{"status", "  create certificate[\"" + ca + "\"] (new)\n", "reported"},
		{"apply --yes", "Done: ", ""},
		{"show certificate[\"" + ca + "\"]", "  validity = ", "fresh"},
		{"status", "Certificates (1)", "Not done yet"},
	} {
		r.run(strings.Fields(c.args)...)
		if out := r.out.String(); !strings.Contains(out, c.want) || c.lacks != "" && strings.Contains(out, c.lacks) {
			t.Errorf("%s is to say %q and not %q:\n%s", c.args, c.want, c.lacks, out)
		}
	}
}

// What follows a warning stands apart from it.
func TestWarningsStandApart(t *testing.T) {
	r, err := newRig(testDir(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.write("vpnd {}\n"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(r.dir, "vpn.hcl"), 0o666); err != nil {
		t.Fatal(err)
	}
	if r.run("validate"); !strings.Contains(r.out.String(), "\n\nThe configuration is valid") {
		t.Error(r.out.String())
	}
}
