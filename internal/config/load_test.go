package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
)

func TestBlocksTellWhatTheyOwnAndNeed(t *testing.T) {
	dir := configtest.Files(t, map[string]string{
		"b.hcl": "pki \"p\" {\n subject {\n common_name = local.cn\n }\n}\nlocals {\n cn = tun.t.name\n}\n",
		"a.hcl": "server \"s\" {\n network = \"10.8.0.0/24\"\n pki = pki.p\n}\npackage \"openvpn\" {}\ntun \"t\" {}\n",
	})
	c, diags := Load(Source{Paths: []string{dir}}, configtest.Catalog(), "")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var lines []string
	for _, b := range c.Blocks {
		lines = append(lines, fmt.Sprint(b.ID, " at ", filepath.Base(b.Range.Filename), ":", b.Range.Start.Line, " owns ", b.Resources, " after ", b.After))
	}
	want := `server.s at a.hcl:1 owns [package.openvpn file["/etc/openvpn/s.conf"]] after [pki.p]
package.openvpn at a.hcl:5 owns [package.openvpn] after []
tun.t at a.hcl:6 owns [tun.t] after []
pki.p at b.hcl:1 owns [directory["/var/lib/vpnd/pki/p"] file["/var/lib/vpnd/pki/p/ca.crt"]] after [tun.t]`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got:\n%s", got)
	}
	if s, ok := c.Blocks[0].Shape.(*configtest.Server); !ok || s.PKI.Certificate != "/var/lib/vpnd/pki/p/ca.crt" {
		t.Errorf("%+v", c.Blocks[0].Shape)
	}
}

// A resource must have the same wish whatever the order of the files, or a
// plan would not be empty after a file was renamed.
func TestFilesMergeInAnyOrder(t *testing.T) {
	one, two := "tun \"a\" {\n mode = tun.b.mode\n}\n", "tun \"b\" {\n mode = \"tap\"\n}\n"
	var wants [2]any
	for i, files := range []map[string]string{{"1.hcl": one, "2.hcl": two}, {"1.hcl": two, "2.hcl": one}} {
		c, diags := Load(Source{Paths: []string{configtest.Files(t, files)}}, configtest.Catalog(), "")
		if diags.HasErrors() || len(c.Desired.Present) != 2 || c.Desired.Present[0].ID != (resource.ID{Kind: "tun", Name: "a"}) {
			t.Fatal(diags, c.Desired)
		}
		wants[i] = c.Desired.Present[0].Want
	}
	if !resource.Equal(wants[0], wants[1]) {
		t.Errorf("%+v and %+v", wants[0], wants[1])
	}
}

// The names of files are counted from the directory of the file that names them.
func TestPathsAreCountedFromTheFile(t *testing.T) {
	dir := configtest.Files(t, map[string]string{
		"x/a.hcl": "file \"/a\" {\n content = \"${file(\"t.txt\")} ${local.l}\"\n}\n", "x/t.txt": "x",
		"y/b.hcl": "locals {\n l = file(\"t.txt\")\n}\n", "y/t.txt": "y",
	})
	c, diags := Load(Source{Paths: []string{filepath.Join(dir, "x"), filepath.Join(dir, "y", "b.hcl")}}, configtest.Catalog(), "")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := *c.Desired.Present[0].Want.(*configtest.File).Content; got != "x y" {
		t.Errorf("%q", got)
	}
}

// No diagnostic, however it is formatted, holds the value of a secret.
func TestSecretsStayOut(t *testing.T) {
	text := `variable "psk" {
  default   = "hunter2hunter2"
  sensitive = true
}
file "/a" {
  content = var.psk
}
file "/b" {
  mode = tonumber(var.psk)
}
tun "t" {
  mtu = regex("x+", var.psk)
}
secret_file "/c" {
  content = { "hunter2hunter2" = var.psk }[var.psk].nope
}
sysctl "x" {
  value = [for k in [var.psk] : { (k) = 1 }][0].x
}
server "s" {
  psk     = "hunter2hunter2"
  network = var.psk
  pki     = { name = var.psk }
  labels  = { (var.psk) = "x" }
}
unit "u" {
  on_change = jsondecode(var.psk)
}
`
	c, diags := Load(Source{Paths: []string{configtest.Files(t, map[string]string{"a.hcl": text})}}, configtest.Catalog(), "")
	if len(diags) < 8 {
		t.Errorf("only %d mistakes were found", len(diags))
	}
	var out strings.Builder
	if err := diag.Print(&out, diags, c.Files, 0, false); err != nil {
		t.Fatal(err)
	}
	if all := out.String() + fmt.Sprintf("%+v", diags); strings.Contains(all, "hunter2") {
		t.Error(all)
	}
}

// What the daemon keeps and sends holds nothing of the source: in a file that
// can't be parsed nobody knows what is a secret there.
func TestBriefTellsNothingOfTheSource(t *testing.T) {
	dir := configtest.Files(t, map[string]string{
		"a.hcl":      "file \"/a\" {\n content = \"password hunter2\"\n mode = \"0600\n}\n",
		"b.hcl":      "variable \"v\" {\n default = \"hunter2\"\n}\nfile \"/b\" {\n content = upper(var.v, \"hunter2\")\n mode = hunter2\n}\n",
		"c.hcl.json": `{"file": {"/c": {"content": hunter2}}}`,
	})
	for _, name := range []string{"a.hcl", "b.hcl", "c.hcl.json"} {
		_, diags := Load(Source{Paths: []string{filepath.Join(dir, name)}}, configtest.Catalog(), "")
		text := diag.Brief(diags)
		if !strings.Contains(text, "Error: ") || !strings.Contains(text, name+":") || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestSettingsHaveDefaultsAndYieldToFlags(t *testing.T) {
	dir := configtest.Files(t, map[string]string{"a.hcl": "variable \"how\" {\n default = \"observe\"\n}\nvpnd {\n  mode = var.how\n metrics {\n listen = \"127.0.0.1:9586\"\n }\n}\n"})
	c, diags := Load(Source{Paths: []string{dir}, StateDir: "/tmp/state"}, configtest.Catalog(), "")
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	s := c.Settings
	if *s.Mode != "observe" || s.Interval.String() != "5m" || *s.StateDir != "/tmp/state" || *s.Metrics.Listen != "127.0.0.1:9586" {
		t.Errorf("%+v", s)
	}
	c, _ = Load(Source{Paths: []string{configtest.Files(t, map[string]string{"a.hcl": ""})}}, configtest.Catalog(), "")
	if *c.Settings.Mode != "enforce" || *c.Settings.StateDir != "/var/lib/vpnd" {
		t.Errorf("%+v", c.Settings)
	}
}

// A block tells the place of each of its attributes, or of what is around it, for those
// who find fault with it later.
func TestBlocksTellTheirPlaces(t *testing.T) {
	dir := configtest.Files(t, map[string]string{"a.hcl": "server \"s\" {\n  network = \"10.8.0.0/24\"\n  listen  = [\n    \"udp/1\",\n    \"udp/2\",\n  ]\n  keepalive {\n    ping = \"1s\"\n  }\n}\n"})
	c, diags := Load(Source{Paths: []string{dir}}, configtest.Catalog(), "")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for path, line := range map[string]int{"": 1, "nope": 1, "network": 2, "listen": 3, "listen[1]": 5, "keepalive": 7, "keepalive.ping": 8, "keepalive.restart": 7} {
		if at := c.Blocks[0].At(path); at.Start.Line != line || filepath.Base(at.Filename) != "a.hcl" {
			t.Errorf("%q is at %s", path, at)
		}
	}
}

// With a mistake there is nothing to apply, but all else is known: who mends a file
// sees what is in it.
func TestMistakesLeaveTheRest(t *testing.T) {
	dir := configtest.Files(t, map[string]string{"a.hcl": "vpnd {\n  interval = \"1m\"\n}\ncheck \"c\" {\n  tunnel = \"t\"\n}\ntun \"t\" {}\ntun \"u\" {\n  mtu = \"big\"\n}\n"})
	c, diags := Load(Source{Paths: []string{dir}}, configtest.Catalog(), "")
	if !diags.HasErrors() || len(c.Desired.Present) > 0 {
		t.Errorf("%v %v", diags, c.Desired)
	}
	if c.Settings.Interval.String() != "1m" || len(c.Checks) != 1 || len(c.Blocks) != 2 || len(c.Files) != 1 {
		t.Errorf("%+v", c)
	}
	c, diags = Load(Source{Paths: []string{configtest.Files(t, map[string]string{"a.hcl": "tun {{\n"})}}, configtest.Catalog(), "")
	if !diags.HasErrors() || len(c.Files) != 1 || len(c.Blocks) > 0 {
		t.Errorf("%v %+v", diags, c)
	}
}
