package chain

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestToolsAreAskedAgainOnlyWhenTheyAreOthers(t *testing.T) {
	folder := t.TempDir()
	asked := filepath.Join(folder, "asked")
	write := func(version string) {
		t.Helper()
		// A rename, as a package manager does it.
		script := "#!/bin/sh\necho >> " + asked + "\necho 'iptables " + version + "'\n"
		next := filepath.Join(folder, "next")
		if err := os.WriteFile(next, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(folder, "iptables")); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"nft", "legacy"} {
		for _, verb := range []string{"restore", "save"} {
			if err := os.WriteFile(filepath.Join(folder, "iptables-"+name+"-"+verb), nil, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	v := Verbs{Tools: new(Tools)}
	for i, step := range []struct{ version, backend string }{
		{"v1.8.9 (nf_tables)", nft}, {"v1.8.9 (legacy)", legacy}, {"v1.8.10 (nf_tables)", nft},
	} {
		write(step.version)
		for range 3 {
			found, err := v.find(context.Background(), "ip")
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(folder, "iptables-"+step.backend+"-save"); found.backend != step.backend || found.save != want {
				t.Errorf("%s: found %s and %s", step.version, found.backend, found.save)
			}
		}
		if times, err := os.ReadFile(asked); err != nil || len(times) != i+1 {
			t.Errorf("%s: %d programs were asked in all, %v", step.version, len(times), err)
		}
	}
}
