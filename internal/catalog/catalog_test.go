package catalog

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/config"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/explain"
	"vpnd/internal/resource"
)

// The names that users write; they are kept for good.
var names = []string{
	"sysctl", "file", "secret_file", "directory", "tun", "xfrm_interface", "route", "chain", "ipsec_connection", "ipsec_failover", "package", "unit",
	"private_key", "certificate", "certificate_request", "crl",
	"wireguard_key", "wireguard_psk", "wireguard_interface", "wireguard",
	"static_key", "tls_crypt_v2_key", "tls_crypt_v2_list", "auth_token_key", "totp_secret", "dh_params", "assembled_file", "ledger", "openvpn_admission", "openvpn_connection",
	"ssh_admission", "ssh_forward", "ssh_tunnel", "ssh_tunnel_account", "system_user",
	"pki", "openvpn_server", "openvpn_client", "ipsec_tunnel", "aws_vpn", "gateway", "firewall",
}

// shapes returns an empty shape of every kind and composite, and their
// sentence of documentation.
func shapes(t *testing.T, c resource.Catalog) (all map[string]any, docs map[string]string) {
	t.Helper()
	all, docs = make(map[string]any), make(map[string]string)
	add := func(name, doc string, shape any) {
		if _, ok := all[name]; ok {
			t.Errorf("two are named %s", name)
		}
		all[name], docs[name] = shape, doc
	}
	for _, k := range c.Kinds {
		add(k.Name, k.Doc, k.New())
	}
	for _, k := range c.Composites {
		add(k.Name, k.Doc, k.New())
	}
	return all, docs
}

func host() resource.Catalog { return New(Options{Root: "/"}) }

func TestNamesAreThoseOfTheContract(t *testing.T) {
	all, _ := shapes(t, host())
	got, want := slices.Sorted(maps.Keys(all)), slices.Sorted(slices.Values(names))
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// fields calls do for every field of a shape and of its nested blocks, by path.
func fields(path string, shape reflect.Type, do func(path string, f resource.Field)) {
	for _, f := range resource.Fields(shape) {
		at := path + "." + f.Name
		do(at, f)
		if f.Block {
			inner := f.Type
			if inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			fields(at, inner, do)
		}
	}
}

// A document is read with the configuration. A kind's wish is kept in force without
// it: what a composite makes of it is.
func TestNoKindHasADocument(t *testing.T) {
	for _, k := range host().Kinds {
		fields(k.Name, reflect.TypeOf(k.New()), func(path string, f resource.Field) {
			if strings.Contains(f.Type.String(), "resource.Document") {
				t.Errorf("%s is a document", path)
			}
		})
	}
}

func TestEverythingIsExplained(t *testing.T) {
	c := host()
	all, docs := shapes(t, c)
	explain := func(path string) {
		if text, err := explain.Text(c, path); err != nil || strings.TrimSpace(text) == "" {
			t.Errorf("explain %s: %q, %v", path, text, err)
		}
	}
	for name, shape := range all {
		if !strings.HasSuffix(docs[name], ".") {
			t.Errorf("the documentation of %s is no sentence: %q", name, docs[name])
		}
		explain(name)
		seen := make(map[string]bool)
		fields(name, reflect.TypeOf(shape), func(path string, f resource.Field) {
			kind := path
			if f.Block { // which may go by the name of an attribute
				kind += " { }"
			}
			if f.Doc == "" || strings.HasSuffix(f.Doc, ".") || seen[kind] {
				t.Errorf("%s is not documented, or not as the others, or there twice: %q", path, f.Doc)
			}
			seen[kind] = true
			if !f.Label {
				explain(path)
			}
		})
	}
}

// load reads a configuration as vpnd validate does, without a host. Warnings
// are allowed.
func load(t *testing.T, paths ...string) *config.Config {
	t.Helper()
	cfg, diags := config.Load(config.Source{Paths: paths, Advise: true}, host(), "0.1.0")
	if diags.HasErrors() {
		var said bytes.Buffer
		_ = diag.Print(&said, diags, cfg.Files, 100, false)
		t.Fatalf("%v:\n%s", paths, said.String())
	}
	return cfg
}

// A default that does not fit its field panics when a block is read that leaves
// the attribute out; so one of every kind is read, nested blocks included.
func TestDefaultsFit(t *testing.T) {
	cfg := load(t, "testdata/all.hcl")
	left, _ := shapes(t, host())
	for _, b := range cfg.Blocks {
		delete(left, b.ID.Kind)
		filled(t, b.ID.String(), reflect.ValueOf(b.Shape).Elem())
	}
	for name := range left {
		t.Errorf("testdata/all.hcl has no %s", name)
	}
}

// filled checks that every nested block is there, and every default.
func filled(t *testing.T, path string, shape reflect.Value) {
	t.Helper()
	for _, f := range resource.Fields(shape.Type()) {
		v := shape.Field(f.Index)
		switch {
		case f.Default != "" && v.IsZero():
			t.Errorf("%s.%s has not got its default %s", path, f.Name, f.Default)
		case !f.Block:
		case v.Kind() == reflect.Slice && v.Len() > 0:
			filled(t, path+"."+f.Name, v.Index(0))
		case v.Kind() == reflect.Pointer && !v.IsNil():
			filled(t, path+"."+f.Name, v.Elem())
		default:
			t.Errorf("testdata/all.hcl has no block %s.%s", path, f.Name)
		}
	}
}

func TestExamplesAreValid(t *testing.T) {
	found := 0
	for _, pattern := range []string{"../../examples/*/", "../../examples/kinds/*.hcl"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if filepath.Base(path) == "kinds" { // each file there stands for itself
				continue
			}
			found++
			t.Run(strings.TrimPrefix(path, "../../examples/"), func(t *testing.T) {
				if cfg := load(t, path); len(cfg.Desired.Present) == 0 {
					t.Error("it asks for nothing")
				}
			})
		}
	}
	if found < 4 {
		t.Errorf("only %d examples were found", found)
	}
}

// Every block that users can write has an example.
func TestExamplesShowEverything(t *testing.T) {
	left, _ := shapes(t, host())
	err := filepath.WalkDir("../../examples", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".hcl" {
			return err
		}
		for _, b := range load(t, path).Blocks {
			delete(left, b.ID.Kind)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, inner := range []string{"ledger", "openvpn_admission", "openvpn_connection", "ssh_admission", "ssh_forward"} { // made by other blocks
		delete(left, inner)
	}
	if len(left) > 0 {
		t.Errorf("no example shows %v", slices.Sorted(maps.Keys(left)))
	}
}

// What vpnd decides by the kind of a thing, it decides by these.
func TestWhatEachKindIs(t *testing.T) {
	c := New(Options{Root: "/"})
	for _, one := range []struct {
		trait string
		is    func(resource.Traits) bool
		kinds string
	}{
		{"guards the host", func(is resource.Traits) bool { return is.Guards }, "sysctl tun xfrm_interface wireguard_interface route chain"},
		{"is slow", func(is resource.Traits) bool { return is.Slow }, "ipsec_failover package openvpn_connection ssh_forward unit"},
		{"starts later", func(is resource.Traits) bool { return is.StartsLater }, "ipsec_failover package openvpn_connection ssh_forward unit"},
		{"runs", func(is resource.Traits) bool { return is.Runs }, "unit"},
		{"carries connections", func(is resource.Traits) bool { return is.Carries }, "tun xfrm_interface wireguard_interface unit"},
		{"is fetched", func(is resource.Traits) bool { return is.Fetched }, "package"},
		{"keeps", func(is resource.Traits) bool { return is.Keeps }, "package openvpn_admission ssh_admission ssh_forward"},
		{"lingers", func(is resource.Traits) bool { return is.Lingers }, "chain"},
		{"stands alone", func(is resource.Traits) bool { return is.Alone }, "sysctl chain"},
		{"is looked at as a whole", func(is resource.Traits) bool { return is.Whole }, "chain ipsec_connection"},
		{"is a directory", func(is resource.Traits) bool { return is.Directory }, "directory ledger"},
		{"stands at a path", func(is resource.Traits) bool { return is.Path }, "file secret_file directory private_key certificate certificate_request crl ledger static_key tls_crypt_v2_key tls_crypt_v2_list auth_token_key totp_secret wireguard_key wireguard_psk dh_params assembled_file"},
		{"needs a host that runs", func(is resource.Traits) bool { return is.NeedsHost }, "tun xfrm_interface wireguard_interface route chain ipsec_failover package openvpn_admission openvpn_connection ssh_admission ssh_forward"},
		{"leaves together", func(is resource.Traits) bool { return is.Together }, "chain unit"},
		{"is told of as a certificate", func(is resource.Traits) bool { return is.View == resource.Certificates }, "certificate"},
		{"is told of as a list", func(is resource.Traits) bool { return is.View == resource.Lists }, "crl"},
		{"is told of as a tunnel", func(is resource.Traits) bool { return is.View == resource.Tunnels }, "tun wireguard_interface ipsec_connection ipsec_failover openvpn_connection ssh_forward"},
		{"is told of as a server", func(is resource.Traits) bool { return is.View == resource.Servers }, "openvpn_admission"},
		{"is essential", func(is resource.Traits) bool { return is.Essential.Of("/x") }, "chain ipsec_failover openvpn_admission openvpn_connection ssh_forward crl tls_crypt_v2_list"},
		{"is essential as a copy of a list", func(is resource.Traits) bool { return is.Essential.Of("/x/crl.pem") }, "chain ipsec_failover openvpn_admission openvpn_connection ssh_forward crl tls_crypt_v2_list assembled_file"},
		{"filters", func(is resource.Traits) bool { return is.Filters.Of("ip/filter/VPND-FORWARD") }, "chain"},
		{"filters, and translates only", func(is resource.Traits) bool { return is.Filters.Of("ip/nat/VPND-POSTROUTING") }, ""},
		{"forwards", func(is resource.Traits) bool { return is.Forwards.Of("net.ipv4.ip_forward") }, "sysctl"},
		{"forwards, and is another key", func(is resource.Traits) bool { return is.Forwards.Of("kernel.panic") }, ""},
	} {
		var kinds []string
		for _, k := range c.Kinds {
			if one.is(k.Traits) {
				kinds = append(kinds, k.Name)
			}
		}
		if got := strings.Join(kinds, " "); got != one.kinds {
			t.Errorf("%s: %q, not %q", one.trait, got, one.kinds)
		}
	}
}

// Rules and keys of the kernel are made whatever fails, but for the rules that they
// come after: forwarding is not switched on before those stand.
func TestWhatStandsAlone(t *testing.T) {
	c := New(Options{Root: "/"})
	for _, one := range []struct {
		kind, after string
		waits       bool
	}{
		{"sysctl", "chain", true},
		{"chain", "chain", true},
		{"sysctl", "file", false},
		{"sysctl", "sysctl", false},
		{"chain", "unit", false},
		{"chain", "sysctl", false},
		{"unit", "file", true},
		{"tun", "package", true},
	} {
		after := resource.ID{Kind: one.after, Name: "a"}
		g := resource.NewGraph(c, []resource.Resource{{ID: after}, {ID: resource.ID{Kind: one.kind, Name: "b"}, After: []resource.ID{after}}})
		if got := len(g.Dependants(after)) > 0; got != one.waits {
			t.Errorf("a %s after a %s waits: %v", one.kind, one.after, got)
		}
	}
}

// Below another root no kind works on this machine: those that can't be kept to
// files are off.
func TestBelowAnotherRootOnlyFilesAreTouched(t *testing.T) {
	for _, root := range []string{"/", "//", "/.", t.TempDir()} {
		var off []string
		c := New(Options{Root: root})
		for _, k := range c.Kinds {
			if c.Image && k.NeedsHost {
				off = append(off, k.Name)
			}
		}
		want := []string{"chain", "ipsec_failover", "openvpn_admission", "openvpn_connection", "package", "route", "ssh_admission", "ssh_forward", "tun", "wireguard_interface", "xfrm_interface"}
		if filepath.Clean(root) == "/" {
			want = nil
		}
		slices.Sort(off)
		if !slices.Equal(off, want) {
			t.Errorf("below %s these are off: %v, not %v", root, off, want)
		}
	}
}

// A value that does not fit leaves a hole, and what else is wrong with the block
// shall be told all the same.
func TestShapesWithHolesCanBeJudged(t *testing.T) {
	all, _ := shapes(t, host())
	for _, shape := range all {
		v, ok := shape.(resource.Validator)
		if !ok {
			continue
		}
		v.Validate("x")
		furnish(reflect.ValueOf(shape).Elem())
		v.Validate("x")
	}
}

// furnish gives a shape one of each nested block, all of them empty.
func furnish(v reflect.Value) {
	for _, f := range resource.Fields(v.Type()) {
		if !f.Block {
			continue
		}
		field := v.Field(f.Index)
		switch field.Kind() {
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			field = field.Index(0)
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
		}
		furnish(field)
	}
}
