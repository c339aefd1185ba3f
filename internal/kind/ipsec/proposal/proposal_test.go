package proposal

import (
	"strings"
	"testing"
)

func TestEveryWayOfWritingMeansTheSame(t *testing.T) {
	for text, want := range map[string]string{
		"aes256gcm16-prfsha384-ecp384":                      "aes256gcm16-prfsha384-ecp384",
		"AES-256-GCM SHA-384 group 20":                      "aes256gcm16-prfsha384-ecp384",
		"AES256-GCM-16, SHA2-384, group20":                  "aes256gcm16-prfsha384-ecp384",
		"AES-256-GCM with SHA-384 and P-384":                "aes256gcm16-prfsha384-ecp384",
		"aes-128-cbc hmac-sha1-96 dh 2":                     "aes128-sha1-modp1024",
		"aes128-sha256-modp2048":                            "aes128-sha256-modp2048",
		"aes256-aes128-sha384-sha256-ecp384-modp3072":       "aes256-aes128-sha384-sha256-ecp384-modp3072",
		"chacha20-poly1305 sha-256 x25519":                  "chacha20poly1305-prfsha256-x25519",
		"aes256gcm16-prfsha384-ecp384-ke1_mlkem768":         "aes256gcm16-prfsha384-ecp384-ke1_mlkem768",
		"  aes256gcm16-sha384-ecp384 ":                      "aes256gcm16-prfsha384-ecp384",
		"aes256gcm16-prfsha512-prfsha384-ecp521-ecp384":     "aes256gcm16-prfsha512-prfsha384-ecp521-ecp384",
		"camellia256-sha512-prfsha256-modp4096":             "camellia256-sha512-prfsha256-modp4096",
		"aes256ctr-sha256-curve25519":                       "aes256ctr-sha256-curve25519",
		"aes256-sha256-group14":                             "aes256-sha256-modp2048",
		"aes256gcm-sha384-dh20":                             "aes256gcm16-prfsha384-ecp384",
		"3des-cbc sha-1 modp-1536":                          "3des-sha1-modp1536",
		"aes256ccm128-prfaesxcbc-ecp256bp":                  "aes256ccm128-prfaesxcbc-ecp256bp",
		"AES-256-GCM, SHA-512, group 21, SHA-384, group 20": "aes256gcm16-prfsha512-prfsha384-ecp521-ecp384",
	} {
		p, err := Parse(IKE, text)
		if err != nil || p.String() != want {
			t.Errorf("%q: %q, %v", text, p, err)
			continue
		}
		if again, err := Parse(IKE, p.String()); err != nil || again.String() != want {
			t.Errorf("%q is %q when read again, %v", want, again, err)
		}
	}
	for text, want := range map[string]string{
		"aes256gcm16-ecp384": "aes256gcm16-ecp384", "AES-256-GCM group 20": "aes256gcm16-ecp384", "aes-256-gcm": "aes256gcm16",
		"aes128-sha1": "aes128-sha1", "aes256gcm16-noesn-esn": "aes256gcm16-noesn-esn",
	} {
		if p, err := Parse(ESP, text); err != nil || p.String() != want {
			t.Errorf("%q: %q, %v", text, p, err)
		}
	}
}

func TestWhatStrongSwanWouldLeaveOutIsRefusedWithAWayOut(t *testing.T) {
	for _, c := range []struct {
		use        Use
		text, want string
	}{
		{IKE, "", "it is empty;"},
		{IKE, "default", "what default stands for depends on the release"},
		{IKE, "aes256gcm16-ecp384", "aes256gcm16 needs a PRF beside it in IKE; write aes256gcm16-prfsha384"},
		{IKE, "aes256gcm16-aes256-prfsha384-ecp384", "aes256gcm16 has integrity within and aes256 has not; make two"},
		{IKE, "aes256gcm16-sha2_384-prfsha384-ecp384", "aes256gcm16 has integrity within, so sha2_384 has no place"},
		{IKE, "aes256-ecp384", "nothing protects the integrity of what aes256 encrypts"},
		{IKE, "aes256-sha256", "IKE needs a group"},
		{IKE, "sha256-ecp384", "it has no encryption; begin with one, as in aes256gcm16-prfsha384-ecp384"},
		{IKE, "AES-256-GCM SHA-384 group 99", "strongSwan knows no group 99"},
		{IKE, "aes256-sha256-ecp384-esn", "esn is of ESP"},
		{IKE, "aes256-sha265-ecp384", `"sha265" is no algorithm of strongSwan`},
		{IKE, "aes256-sha256-ecp384\"}\nsecrets {", `is no algorithm`},
		{ESP, "aes256gcm16-prfsha384-ecp384", "ESP has no PRF; leave prfsha384 out"},
		{ESP, "aes256gcm16-sha384", "aes256gcm16 has integrity within; leave sha384 out"},
		{ESP, "ecp384", "it has no encryption; begin with one, as in aes256gcm16-ecp384"},
	} {
		p, err := Parse(c.use, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), ";") {
			t.Errorf("%s %q: %q, %v, want %q", c.use, c.text, p, err, c.want)
		}
	}
}

func TestWhatIsWeakIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		DefaultIKE: "", "aes128-sha256-modp2048": "",
		"3des-md5-modp1024": "3des md5 modp1024", "aes128-sha1-modp1536": "sha1 modp1536", "aes256gcm16-prfsha1-ecp384": "prfsha1",
		"aes256-sha256-modp1024s160-modp2048s224-modp2048s256": "modp1024s160 modp2048s224 modp2048s256",
		"null-sha256-modp768": "null! modp768!", "des-sha256-ecp384": "des!",
	} {
		p, err := Parse(IKE, text)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, w := range p.Weak() {
			if w.Why == "" {
				t.Errorf("%s is weak, and nobody knows why", w.Word)
			}
			words = append(words, w.Word+map[bool]string{true: "!"}[w.Broken])
		}
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// The table of Amazon's guide to customer gateways, MTU and MSS in IPv4.
func TestSizesAreThoseOfTheTable(t *testing.T) {
	for _, c := range []struct {
		text     string
		udp      bool
		mtu, mss int
	}{
		{"aes256gcm16-ecp384", false, 1446, 1406},
		{"aes256gcm16-ecp384", true, 1438, 1398},
		{"aes128-sha1", false, 1438, 1398},
		{"aes128-sha1", true, 1422, 1382},
		{"aes256-sha256", false, 1438, 1398},
		{"aes256-sha256", true, 1422, 1382},
		{"aes256-sha384", false, 1422, 1382},
		{"aes256-sha384", true, 1422, 1382},
		{"aes256-sha512", false, 1422, 1382},
		{"aes256-sha512", true, 1406, 1366},
		{"aes256-sha256-sha512", true, 1406, 1366}, // the smaller one of what may be taken
	} {
		p, err := Parse(ESP, c.text)
		if err != nil {
			t.Fatal(err)
		}
		if mtu, mss := p.MTU(Path{UDP: c.udp}), MSS([]Proposal{p}, Path{UDP: c.udp}, false); mtu != c.mtu || mss != c.mss {
			t.Errorf("%s, in UDP %v: %d and %d, want %d and %d", c.text, c.udp, mtu, mss, c.mtu, c.mss)
		}
	}
}

func TestSizesFollowThePath(t *testing.T) {
	gcm, _ := Parse(ESP, DefaultESP)
	cbc, _ := Parse(ESP, "aes256-sha512")
	for _, c := range []struct {
		all  []Proposal
		path Path
		six  bool
		want int
	}{
		{[]Proposal{gcm}, Path{}, true, 1386},
		{[]Proposal{gcm}, Path{Six: true}, false, 1386},
		{[]Proposal{gcm, cbc}, Path{}, false, 1382},
		{[]Proposal{gcm}, Path{MTU: 1492}, false, 1398},
		{[]Proposal{gcm}, Path{Bare: true}, false, 1426},
	} {
		if got := MSS(c.all, c.path, c.six); got != c.want {
			t.Errorf("%v on %+v: %d, want %d", c.all, c.path, got, c.want)
		}
	}
}
