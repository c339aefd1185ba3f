// Package internal_test checks who imports whom: the walls of the house.
package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// rule says what packages below a path may import of ours, and what they may
// import of nobody.
type rule struct {
	path  string
	ours  []string // path prefixes below vpnd/internal
	never []string
}

var rules = []rule{
	{"resource", nil, []string{"*"}},
	{"hands", nil, []string{"os"}},
	{"atomic", []string{"hands"}, nil},
	{"archive", nil, []string{"os", "os/exec", "net"}},
	{"moving", []string{"archive", "atomic"}, []string{"os/exec", "net"}},
	{"process", nil, nil},
	{"namespace", nil, []string{"os/exec"}},
	{"icmp", nil, []string{"os/exec"}},
	{"socket", nil, []string{"os/exec"}},
	{"notice/noticetest", []string{"resource"}, nil},
	{"notice", []string{"attribution"}, nil},
	{"attribution", nil, nil},
	{"systemd", nil, nil},
	{"lock", nil, nil},
	{"journal", nil, nil},
	{"watch", []string{"resource"}, nil},
	{"backoff", []string{"resource"}, nil},
	{"kind/chain/syntax", nil, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/chain/kernel", []string{"kind/chain/syntax"}, []string{"os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/chain/ruleset", []string{"kind/chain/syntax"}, []string{"os", "os/exec", "github.com/vishvananda/netlink", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/chain/xtables", []string{"resource", "kind/chain/syntax", "kind/chain/kernel", "kind/chain/ruleset"}, []string{"github.com/hashicorp/hcl", "log/slog"}},
	{"kind/chain/foreign", []string{"kind/chain/syntax", "kind/chain/kernel"}, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/chain/event", []string{"resource", "notice", "attribution", "kind/chain/syntax", "kind/chain/kernel", "kind/chain/xtables"}, []string{"github.com/hashicorp/hcl", "log/slog"}},
	{"kind/chain/object", []string{"kind/chain/syntax", "kind/chain/kernel"}, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/chain/memory", []string{"atomic", "kind/chain/syntax", "kind/chain/kernel"}, []string{"os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/chain/proof", []string{"resource", "namespace", "kind/chain/syntax", "kind/chain/kernel", "kind/chain/xtables", "kind/chain/ruleset", "kind/chain/object", "kind/chain/memory"}, []string{"github.com/hashicorp/hcl", "log/slog"}},
	{"kind/ipsec/proposal", nil, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/ipsec/proof", []string{"atomic", "namespace", "kind/ipsec/swanctl", "kind/ipsec/vici"}, []string{"github.com/hashicorp/hcl", "log/slog"}},
	{"kind/ipsec/reason", nil, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/ipsec/swanctl", nil, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/ipsec/vici", []string{"socket", "kind/ipsec/swanctl"}, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/ipsec/failover", []string{"resource", "atomic", "notice", "icmp", "kind/ipsec/"}, []string{"os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/pki/memo", []string{"atomic"}, []string{"os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/pki/derived", []string{"resource", "atomic", "hands", "notice", "kind/pki/memo"}, []string{"os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/pki/policy", []string{"resource", "kind/pki/derived"}, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/pki/likeness", []string{"hands", "kind/pki/derived", "kind/pki/memo", "kind/pki/policy"}, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/pki/overlap", []string{"resource", "atomic", "kind/pki/derived", "kind/pki/policy"}, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/pki/assembled", []string{"resource", "hands", "kind/pki/derived", "kind/pki/memo", "kind/pki/likeness", "kind/pki/policy", "kind/pki/overlap", "kind/pki/totp"}, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/pki/", []string{"resource", "hands", "kind/pki/derived", "kind/pki/memo", "kind/pki/likeness", "kind/pki/policy", "kind/pki/overlap"}, []string{"os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/openvpn/connection", []string{"resource", "atomic", "notice", "process", "systemd", "kind/openvpn"}, []string{"os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/openvpn/reason", nil, []string{"os", "os/exec", "github.com/hashicorp/hcl", "log/slog"}},
	{"kind/openvpn", []string{"resource", "atomic", "notice", "process", "socket", "trust"}, []string{"github.com/hashicorp/hcl", "log/slog"}},
	{"kind/wireguard", []string{"resource", "atomic", "process", "namespace", "kind/link"}, []string{"github.com/hashicorp/hcl", "log/slog", "github.com/vishvananda/netlink"}},
	{"kind/", []string{"resource", "atomic", "hands", "notice", "attribution", "process", "namespace", "systemd"}, []string{"github.com/hashicorp/hcl", "log/slog"}},
	{"vpn/vpntest", []string{"resource", "kind/"}, nil},
	{"vpn/mistakes", []string{"resource"}, []string{"os", "os/exec", "net/http"}},
	{"vpn/across", []string{"resource", "kind/", "vpn/"}, []string{"os", "os/exec", "net/http"}},
	{"vpn/aws/document", []string{"resource"}, []string{"os", "os/exec", "net/http"}},
	{"vpn/aws", []string{"resource", "kind/", "vpn/mistakes", "vpn/ipsec/walls", "vpn/ipsec/credentials"}, []string{"os", "os/exec", "net/http"}},
	{"vpn/dial", []string{"resource", "kind/", "vpn/mistakes", "vpn/dial/", "vpn/openvpn/subnet"}, []string{"os", "os/exec", "net/http", "github.com/vishvananda/netlink"}},
	{"vpn/openvpn/auth", []string{"resource", "kind/", "vpn/mistakes", "vpn/openvpn/script"}, []string{"os", "os/exec", "net/http"}},
	{"vpn/", []string{"resource", "kind/", "vpn/mistakes"}, []string{
		"os", "os/exec", "net/http", "github.com/vishvananda/netlink", "github.com/coreos/go-iptables",
	}},
	{"config/settings", []string{"resource"}, nil},
	{"config/configtest", []string{"resource"}, []string{"github.com/hashicorp/hcl"}},
	{"config/value", nil, []string{"os", "github.com/hashicorp/hcl"}},
	{"config/diag", []string{"resource", "config/value"}, []string{"os"}},
	{"config/bounds", []string{"config/diag"}, nil},
	{"config/effort", []string{"config/value"}, []string{"os"}},
	{"config/functions", []string{"config/value", "config/diag", "config/bounds", "config/effort"}, nil},
	{"config/shape", []string{"resource", "config/value", "config/diag"}, []string{"os"}},
	{"config/source", []string{"config/diag", "config/bounds"}, nil},
	{"config/edit", []string{"resource"}, []string{"os", "net", "context"}},
	{"config/declare", []string{"resource", "config/diag", "config/settings", "config/shape", "config/source"}, []string{"os"}},
	{"config/variables", []string{"config/diag", "config/bounds", "config/source", "config/declare"}, []string{"os"}},
	{"config/eval", []string{"resource", "config/value", "config/diag", "config/effort", "config/functions", "config/settings", "config/shape", "config/declare", "config/variables"}, []string{"os"}},
	{"config/compile", []string{"resource", "hands", "config/diag", "config/shape", "config/eval"}, []string{"os", "github.com/zclconf/go-cty"}},
	{"config/explain", []string{"resource", "config/diag", "config/settings", "config/shape", "config/declare"}, []string{"os"}},
	{"config", []string{"resource", "config/"}, []string{"os"}},
	{"trust", nil, nil},
	{"state", []string{"resource", "atomic", "hands", "trust"}, []string{"github.com/hashicorp/hcl"}},
	{"engine/glance", []string{"resource"}, []string{"os", "github.com/hashicorp/hcl", "log/slog"}},
	{"engine", []string{"resource", "state", "hands", "engine/glance"}, []string{"github.com/hashicorp/hcl"}},
	{"report", []string{"resource", "engine"}, []string{"os"}},
	{"confirm", []string{"resource", "atomic", "icmp", "process", "state", "config/settings", "systemd"}, nil},
	{"catalog", []string{"resource", "notice", "config", "kind/", "vpn/"}, nil},
	{"metrics", []string{"atomic", "config/settings", "resource", "status"}, nil},
	{"active", []string{"resource", "state", "config", "config/settings", "hands"}, []string{"os/exec"}},
	{"notify", []string{"config/settings", "report", "status"}, nil},
	{"status", []string{"resource", "atomic", "engine", "report", "kind/openvpn"}, []string{"os/exec"}},
	{"seen", []string{"resource", "atomic", "state", "status"}, []string{"os/exec", "net"}},
	{"pkcs8", nil, []string{"os", "os/exec", "net"}},
	{"profile", []string{"pkcs8"}, []string{"os", "os/exec", "net"}},
	{"clients", []string{"resource", "engine", "seen", "status"}, []string{"os", "os/exec", "net"}},
	{"outage", []string{"resource", "status"}, []string{"os", "net", "log/slog", "context"}},
	{"policy", []string{"resource", "engine", "status"}, []string{"os", "net", "time", "log/slog", "context"}},
	{"findings", []string{"resource", "engine", "policy", "report", "status"}, []string{"os", "net", "log/slog", "context"}},
	{"daemon", []string{"resource", "engine/glance", "policy", "findings", "status", "active", "atomic", "notice", "state", "config", "config/diag", "config/settings", "engine", "report", "kind/sysctl", "metrics", "confirm", "systemd", "lock", "watch", "backoff", "notify", "outage", "seen"}, nil},
	{"revoked", []string{"resource", "state", "engine", "kind/pki", "kind/pki/policy", "kind/wireguard"}, []string{"os", "os/exec"}},
	{"transaction", []string{"resource", "state", "engine", "active", "config", "config/settings", "confirm", "revoked", "status"}, []string{"os/exec", "os/signal", "log/slog", "golang.org/x/term"}},
	{"importer", []string{"vpn/aws/document"}, []string{"os/exec"}},
	{"cli/importing", []string{"importer", "config/diag", "vpn/aws/document"}, []string{"os/exec"}},
	{"cli/authority", []string{"atomic", "cli/passphrase", "config", "config/edit", "resource", "report", "kind/pki", "kind/pki/policy", "pkcs8"}, []string{"os/exec"}},
	{"cli/view", []string{"resource", "clients", "seen", "state", "report", "status", "transaction"}, []string{"os", "os/exec"}},
	{"cli/passphrase", []string{"resource"}, []string{"os/exec", "net"}},
	{"cli/totp", []string{"resource", "engine", "kind/pki/totp", "profile", "report"}, []string{"os", "os/exec", "net"}},
	{"cli/exporting", []string{"resource", "clients", "engine", "profile", "report", "cli/passphrase"}, []string{"os", "os/exec", "net"}},
	{"cli/hostkey", []string{"kind/ssh"}, []string{"os", "os/exec"}},
	{"cli/starter", nil, []string{"os/exec"}},
	{"cli", []string{""}, nil},
	{"lab/bench", []string{"lab", "resource", "status"}, nil},
	{"lab", []string{"lab", "nettest"}, nil},
	{"nettest", nil, nil},
	{"system", []string{"lab"}, nil},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func TestWhoMayImportWhom(t *testing.T) {
	seen := make(map[string]bool)
	for _, p := range list(t, "vpnd/...") {
		rest, inside := strings.CutPrefix(p.ImportPath, "vpnd/internal/")
		if !inside {
			if p.ImportPath == "vpnd/cmd/vpnd" {
				check(t, p, rule{"cmd/vpnd", []string{"cli"}, nil})
			}
			continue
		}
		i := slices.IndexFunc(rules, func(r rule) bool {
			return rest == r.path || strings.HasPrefix(rest, strings.TrimSuffix(r.path, "/")+"/")
		})
		if i < 0 {
			t.Errorf("%s has no rule here; say what it may import", p.ImportPath)
			continue
		}
		seen[rules[i].path] = true
		check(t, p, rules[i])
	}
	for _, r := range rules {
		if !seen[r.path] {
			t.Errorf("the rule for %s fits no package; take it away", r.path)
		}
	}
}

// The table in the README leads to every room; what tests of several packages share
// is called after them.
func TestTheReadmeNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `internal/") {
			table.WriteString(line)
		}
	}
	for _, p := range list(t, "vpnd/internal/...") {
		name := path.Base(p.ImportPath)
		if p.ImportPath == "vpnd/internal" || strings.HasSuffix(name, "test") {
			continue
		}
		if !strings.Contains(table.String(), "`"+name+"`") && !strings.Contains(table.String(), "/"+name+"`") {
			t.Errorf("the table of packages in README.md does not name %s", p.ImportPath)
		}
	}
}

func check(t *testing.T, p pkg, r rule) {
	t.Helper()
	self := strings.TrimPrefix(p.ImportPath, "vpnd/internal/")
	for _, imported := range p.Imports {
		ours, internal := strings.CutPrefix(imported, "vpnd/internal/")
		switch {
		case internal && !allowed(self, ours, r.ours):
			t.Errorf("%s imports %s, which is not for %s", p.ImportPath, imported, r.path)
		case !internal && slices.Contains(r.never, "*") && strings.Contains(imported, "."):
			t.Errorf("%s imports %s; %s lives on the standard library alone", p.ImportPath, imported, r.path)
		case !internal && slices.ContainsFunc(r.never, func(n string) bool { return imported == n || strings.HasPrefix(imported, n+"/") }):
			t.Errorf("%s imports %s, which %s never does", p.ImportPath, imported, r.path)
		}
	}
}

// allowed says whether a package may import another of ours: one that its rule
// names, or one below itself. Kinds and composites keep apart from each other.
func allowed(self, other string, ours []string) bool {
	if strings.HasPrefix(self, other+"/") || strings.HasPrefix(other, self+"/") {
		return true
	}
	return slices.ContainsFunc(ours, func(o string) bool {
		return other == o || strings.HasPrefix(self, o+"/") && strings.HasPrefix(other, o+"/") || o == "" || strings.HasSuffix(o, "/") && strings.HasPrefix(other, o)
	})
}

func list(t *testing.T, pattern string) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", pattern).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}
