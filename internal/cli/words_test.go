package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/config"
	"vpnd/internal/resource"
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

// stage is a block of which another command has had more happen, or nothing.
type stage struct {
	at, now int
	err     error
}

func (s *stage) Stage(string, resource.Site) error {
	s.at = s.now
	return s.err
}

// What was read before a block came to another stage is not applied: it would go back.
func TestWhatWasReadBeforeAnotherStageIsNotApplied(t *testing.T) {
	id := resource.ID{Kind: "pki", Name: "office"}
	for _, c := range []struct {
		shape any
		want  string
	}{
		{&stage{at: 1, now: 1}, ""},
		{&stage{at: 1, now: 2}, "the host has come on with pki.office since the configuration was read, and nothing was changed; run this once more"},
		{&stage{err: os.ErrPermission}, "pki.office: permission denied"},
		{new(int), ""},
	} {
		got := ""
		if err := unmoved(&config.Config{Blocks: []config.Block{{ID: id, Shape: c.shape}}}, nil); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %q instead of %q", c.shape, got, c.want)
		}
	}
}
