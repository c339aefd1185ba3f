package ipsec

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vpnd/internal/resource"
)

// drawn is any connection that Validate takes, as a wish in full.
func drawn(t *rapid.T) *Connection {
	one := func(attribute string) *string {
		return resource.Ptr(rapid.SampledFrom(choices[attribute]).Draw(t, attribute))
	}
	some := func(label string, from ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, len(from), rapid.ID[string]).Draw(t, label)
	}
	seconds := rapid.Map(rapid.Int64Range(0, 1<<30), func(n int64) *resource.Duration { return resource.Ptr(resource.Duration(n * int64(time.Second))) })
	number := rapid.Map(rapid.IntRange(0, 1<<32-1), func(n int) *int { return &n })
	yes := rapid.Map(rapid.Bool(), func(b bool) *bool { return &b })
	line := rapid.OneOf(rapid.SampledFrom([]string{"", "%any", "@gw.example.com", `C=CH, O="A # {B}", CN=x\y`, "192.0.2.1"}), rapid.StringMatching(`[ -~]{0,30}`))
	text := rapid.Map(line, func(s string) *string { return &s })
	c := &Connection{
		Version: rapid.SampledFrom([]*int{resource.Ptr(1), resource.Ptr(2)}).Draw(t, "version"), LocalAddrs: some("local", "192.0.2.1", "%any", "2001:db8::1"), RemoteAddrs: some("remote", "192.0.2.2", "peer.example.com", "192.0.2.0/24"),
		Proposals: some("proposals", "aes256gcm16-prfsha384-ecp384", "aes128-sha256-modp3072"), Aggressive: yes.Draw(t, "aggressive"), Encap: yes.Draw(t, "encap"), MOBIKE: yes.Draw(t, "mobike"),
		Fragment: one("fragmentation"), Unique: one("unique"), DPDDelay: seconds.Draw(t, "delay"), DPDTimeout: seconds.Draw(t, "timeout"), KeyingTries: number.Draw(t, "tries"),
		RekeyTime: seconds.Draw(t, "rekey"), ReauthTime: seconds.Draw(t, "reauth"), SendCert: one("send_cert"),
		Local:  &End{Auth: one("auth"), ID: text.Draw(t, "id"), Certificates: some("certs", "/etc/swanctl/x509/a.pem", "/etc/swanctl/x509/b.pem")},
		Remote: &End{Auth: one("auth"), ID: text.Draw(t, "peer"), CACerts: some("ca", "/etc/swanctl/x509ca/a.pem"), CRLs: some("crl", "/etc/swanctl/x509crl/a.pem", "/etc/swanctl/x509crl/b.pem"), Revocation: one("revocation")},
		PSK:    resource.NewSecret(rapid.OneOf(rapid.SampledFrom([]string{"0x1234", "0sAAAA", `"quoted"`, "#", ""}), rapid.String()).Draw(t, "psk")),
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9_-]{1,9}`), 0, 3, rapid.ID[string]).Draw(t, "children") {
		c.Children = append(c.Children, Child{
			Name: name, Mode: one("mode"), LocalTS: some("local_ts", "10.1.0.0/16", "dynamic[tcp/80]"), RemoteTS: some("remote_ts", "10.2.0.0/16", "fd00::/8"),
			Proposals: some("esp", "aes256gcm16-ecp384", "aes128-sha256"), StartAction: one("start_action"), DPDAction: one("dpd_action"), CloseAction: one("close_action"),
			RekeyTime: seconds.Draw(t, "child_rekey"), RekeyBytes: number.Draw(t, "bytes"), ReplayWindow: number.Draw(t, "window"), IfID: number.Draw(t, "if_id"), Priority: number.Draw(t, "priority"), CopyDF: yes.Draw(t, "copy_df"),
		})
	}
	return fill(c)
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawn(t)
		text := render("dc", want)
		got := parse("dc", text)
		want.Foreign = []string{}
		if diffs := resource.Compare(got, want); len(diffs) > 0 {
			t.Fatalf("%+v of\n%s", diffs, text)
		}
		if again := render("dc", got); again != text {
			t.Fatalf("written again it is\n%s, not\n%s", again, text)
		}
		if psk := want.PSK.Reveal(); psk != "" && !strings.Contains(text, "secret = 0x"+hex.EncodeToString([]byte(psk))+"\n") {
			t.Fatalf("the key is not written in hexadecimal:\n%s", text)
		}
	})
}

// Lines of others are told one by one, and what may be a secret by its name alone.
func TestLinesOfOthersAreTold(t *testing.T) {
	want := tunnel(nil)
	text := render("dc", fill(&want))
	for _, c := range []struct{ edited, want string }{
		{strings.Replace(text, "version = 2", "version = 2\n    vips = 0.0.0.0", 1), "dc.vips"},
		{strings.Replace(text, "net {", "net {\n        updown = /bin/evil", 1), "dc.children.net.updown"},
		{strings.Replace(text, "version = 2", "version = 2\n    secret = hidden", 1), "dc.secret"},
		{strings.Replace(text, "auth = psk", "auth = psk\n      psk = hidden", 1), "dc.local.psk"},
		{strings.Replace(text, "secrets {", "secrets {\n  ike-other {\n    secret = one\n hidden\n  }", 1), "line"},
		{strings.Replace(text, "secrets {", "secrets {\n  ike-other {\n    secret = one\n hidden: two\n  }", 1), "line"},
		{strings.Replace(text, "local {", "local-2 {\n auth = psk\n }\n local {", 1), "dc.local-2 {}"},
		{strings.Replace(text, "secrets {", "secrets {\n  ike-other {\n    secret = hidden\n  }", 1), "secrets.ike-other {}"},
		{strings.Replace(text, "secrets {", "secrets {\n  loose = hidden\n", 1), "secrets.loose"},
		{strings.Replace(text, "id-1", "file = hidden\n id-1", 1), "secrets.ike-dc.file"},
		{strings.Replace(text, "id-1 = 192.0.2.2", "id-1 = %any", 1), "secrets.ike-dc is of %any"},
		{strings.Replace(text, "id-1", "id-2 = gw.example.com\n id-1", 1), "secrets.ike-dc is of gw.example.com, 192.0.2.2"},
		{text + "include /tmp/more\n", "include"},
		{text + "authorities {\n}\n", "authorities {}"},
		{strings.Replace(text, "# Managed", "# Mangled", 1), "the first line, which names vpnd, is another one"},
		{text + "}", "line"},
	} {
		got := parse("dc", c.edited)
		if c.edited == text || len(got.Foreign) == 0 || !strings.HasPrefix(got.Foreign[0], c.want) {
			t.Errorf("%q is told, not %q, of\n%s", got.Foreign, c.want, c.edited)
		}
		if strings.Contains(strings.Join(got.Foreign, " "), "hidden") {
			t.Errorf("a secret is told: %q", got.Foreign)
		}
	}
}

// Whatever made a wish, nothing in it becomes a line of its own.
func TestNothingBecomesALineOfItsOwn(t *testing.T) {
	evil := "x\n}\nsecrets { ike-evil { secret = x } }\n"
	want := tunnel(func(c *Connection) {
		c.PSKFile, c.Local.ID, c.Remote.ID, c.RemoteAddrs = &evil, &evil, &evil, []string{evil}
		c.Remote.CRLs, c.Local.Key = []string{evil}, &evil
		c.Children[0].LocalTS = []string{evil}
	})
	c := fill(&want)
	c.PSK = resource.NewSecret(evil)
	if got := parse("dc", render("dc", c)); slices.ContainsFunc(got.Foreign, func(line string) bool { return strings.Contains(line, "evil") && !strings.Contains(line, "\n") }) || got.PSK.Reveal() != evil {
		t.Errorf("%q of\n%s", got.Foreign, render("dc", c))
	}
	want = tunnel(func(c *Connection) { c.Children[0].Name = "a { updown = /bin/evil } b" })
	if _, err := (Verbs{}).Normalize(t.Context(), map[string]*Connection{"dc": &want}); err == nil || !strings.Contains(err.Error(), "can't name") {
		t.Errorf("got %v", err)
	}
}
