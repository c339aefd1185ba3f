package system

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vpnd/internal/lab/office"
)

// exampleFiles are the texts of the files of a directory of examples, by name.
func exampleFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no examples (%v)", dir, err)
	}
	for _, kind := range []string{"xml", "ovpn", "crt", "key"} { // documents
		some, err := filepath.Glob(filepath.Join(dir, "*."+kind))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, some...)
	}
	files := make(map[string]string)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(data)
	}
	return files
}

// TestExamplesConverge applies each example to a host: it is valid, converges,
// and gives the host back.
func TestExamplesConverge(t *testing.T) {
	t.Parallel()
	s := alone(t, "wireguard-go", "libpam-google-authenticator")
	s.ok(s.Foreigners(t.Context()))
	s.keep(examples(t))
	before := withoutBackups(s.print())
	for name, files := range examples(t) {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			s.ok(s.Write(t.Context(), files))
			s.names(s.vpnd(0, "validate"), "The configuration is valid")
			if lacking := s.lacking(name); lacking != "" {
				s.names(s.vpnd(1, "plan"), lacking)
				return
			}
			plan := s.vpnd(2, "plan", "--detailed-exitcode")
			if lines := strings.Count(plan, "\n"); name == "minimal" && lines > 25 {
				t.Errorf("the first plan has %d lines, more than a screen:\n%s", lines, plan)
			}
			if nowhere := map[string]string{"ssh-tunnel": "bastion", "openvpn-client": "vpn"}[name]; nowhere != "" {
				s.names(s.vpnd(1, "apply", "--yes"), "the name "+nowhere+".example.com can't be looked up")
			} else {
				s.apply()
				s.names(s.vpnd(0, "drift"), "No drift")
			}
			s.vpnd(0, "destroy", "--yes")
			if is := withoutBackups(s.print()); is != before {
				t.Errorf("after destroying %s the host is not as it was:\n%s", name, office.Diff(before, is))
			}
		})
	}
}

var keyFile = regexp.MustCompile(`(?m)^\s*psk_file\s*= "([^"]+)"`)

// keep puts the pre-shared keys where the examples say that they are.
func (s scene) keep(all map[string]map[string]string) {
	s.t.Helper()
	for _, files := range all {
		for _, text := range files {
			for _, m := range keyFile.FindAllStringSubmatch(text, -1) {
				s.sh("umask 077; mkdir -p /etc/vpnd; echo 'correct horse battery staple' > " + m[1])
			}
		}
	}
}

// lacking is what a plan says of an example for which the kernel that runs here has
// not what it takes; empty where it has.
func (s scene) lacking(example string) string {
	s.t.Helper()
	_, err := s.Gateway.Run(s.t.Context(), "unshare", "-n", "ip", "link", "add", "x", "type", "xfrm", "if_id", "1")
	if example != "xfrm_interface" || err == nil {
		return ""
	}
	return "kernel has no xfrm interfaces (operation not supported)"
}

// examples are all of them, by name: each file of a kind by itself, each other
// directory as a whole.
func examples(t *testing.T) map[string]map[string]string {
	t.Helper()
	all := make(map[string]map[string]string)
	for name, text := range exampleFiles(t, "../../examples/kinds") {
		all[strings.TrimSuffix(name, ".hcl")] = map[string]string{name: text}
	}
	dirs, err := os.ReadDir("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if dir.IsDir() && dir.Name() != "kinds" {
			all[dir.Name()] = exampleFiles(t, filepath.Join("../../examples", dir.Name()))
		}
	}
	if len(all) < 10 {
		t.Fatalf("only %d examples were found", len(all))
	}
	return all
}
