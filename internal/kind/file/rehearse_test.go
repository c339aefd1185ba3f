package file

import (
	"os"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// What a command refuses is found before anything is written, unless what it lacks
// may be there when the file is.
func TestContentIsJudgedBeforeItIsWritten(t *testing.T) {
	root := accounts(t)
	put(t, root, "/etc/good", "old")
	put(t, root, "/etc/bad", "bad")
	v := FileVerbs{Root: root}
	before := resource.Prospect{Step: 1, Coming: map[resource.ID]resource.Arrival{{Kind: resource.Path, Name: "/etc/y"}: {}}}
	may := resource.Prospect{Step: 1, May: map[string][]resource.Arrival{resource.Path: {{By: resource.ID{Kind: "package", Name: "p"}}}}}
	none := resource.Prospect{}
	grep := []string{"grep", "-q", "good\\|old", "{}"}
	for name, c := range map[string]struct {
		file, content string
		validate      []string
		plan          resource.Prospect
		says          string
		warning       bool
	}{
		"taken":                       {"/etc/x", "good", grep, none, "", false},
		"refused":                     {"/etc/x", "new", grep, none, "grep refuses the new content: exit status 1; mend", false},
		"quoted":                      {"/etc/x", "new", []string{"sh", "-c", "cat {}; exit 3"}, none, "exit status 3\nnew", false},
		"instead of a good one":       {"/etc/good", "new", grep, none, "grep refuses the new content", false},
		"instead of a bad one":        {"/etc/bad", "new", grep, none, "it refuses what stands there now", true},
		"as it stands":                {"/etc/bad", "bad", grep, none, "", false},
		"a file it names":             {"/etc/x", "new", []string{"sh", "-c", ". {}.d/more"}, none, "that may be there then", true},
		"behind something":            {"/etc/x", "new", grep, before, "due to what comes before it in this plan", true},
		"no such command":             {"/etc/x", "new", []string{"no-such-command", "{}"}, none, "there is no command no-such-command; see", false},
		"a command of a package":      {"/etc/x", "new", []string{"no-such-command", "{}"}, may, "where package.p does not bring it", true},
		"the mode and who may see it": {"/etc/x", "good", []string{"sh", "-c", `test "$(stat -Lc %a {})" = 600 && test ! -e /etc/x`}, none, "", false},
	} {
		want := text(c.content)
		want.Validator = c.validate
		err := v.Preflight(t.Context(), c.file, want, c.plan)
		m, _ := err.(*resource.Mistake)
		if c.says == "" && err != nil || c.says != "" && (m == nil || !strings.Contains(m.Error(), c.says) || m.Warning != c.warning) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(root + "/etc/x"); !os.IsNotExist(err) {
		t.Errorf("a plan wrote: %v", err)
	}
	secret := SecretFile{Content: resource.NewSecret("hush"), Mode: mode(0o600), Validator: []string{"sh", "-c", "cat {} /proc/$$/cmdline; exit 1"}}
	err := SecretFileVerbs{Root: root}.Preflight(t.Context(), "/etc/x", secret, none)
	if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "not shown") {
		t.Errorf("a secret: %v", err)
	}
}
