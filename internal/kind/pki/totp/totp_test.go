package totp

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/resource"
)

// A new seed is new each time, and a file that PAM's module wrote keeps its seed, the
// codes that were used and the attempts that were made.
func TestSeedsStayAndRulesComeBack(t *testing.T) {
	one, err := build(rand.Reader, then, nil)
	other, err2 := build(rand.Reader, then, []byte("no seed\n"))
	if err != nil || err2 != nil || string(one) == string(other) || !complete(one) || len(seedOf(one)) != 32 {
		t.Fatalf("%q and %q, %v %v", one, other, err, err2)
	}
	used := seedOf(one) + "\n\" RATE_LIMIT 3 30 1795918430 1795918433\n\" WINDOW_SIZE 3\n\" DISALLOW_REUSE 59863947\n\" TOTP_AUTH\n\" TIME_SKEW 2\n"
	if !complete([]byte(used)) {
		t.Error("what PAM's module wrote is not complete")
	}
	for _, rule := range rules {
		broken := ""
		for line := range strings.Lines(used) {
			if !strings.HasPrefix(line, `" `+rule) {
				broken += line
			}
		}
		mended, err := build(rand.Reader, then, []byte(broken))
		if complete([]byte(broken)) || err != nil || !complete(mended) || seedOf(mended) != seedOf(one) {
			t.Errorf("without %s: %q, mended %q, %v", rule, broken, mended, err)
		}
		if rule != "DISALLOW_REUSE" && !strings.Contains(string(mended), "59863947") {
			t.Errorf("a code that was used is good again: %q", mended)
		}
	}
	for _, none := range []string{"", "JBSW\n", "!!!!!!!!!!!!!!!!!!!!\n"} {
		if seedOf([]byte(none)) != "" {
			t.Errorf("%q passes for a seed", none)
		}
	}
}

var then = time.Unix(1795918430, 0)

// Since when a seed takes the place of another one stays said, also in a file that PAM's
// module wrote since; of a first one there is nothing to say, and what holds no seed is
// older than nothing.
func TestSinceWhenThereIsAnotherSeed(t *testing.T) {
	first, err := build(rand.Reader, then, nil)
	again, err2 := build(rand.Reader, then, []byte(Lost))
	later, err3 := build(rand.Reader, then.Add(time.Hour), again)
	if err != nil || err2 != nil || err3 != nil || !complete(again) {
		t.Fatal(err, err2, err3)
	}
	used := strings.Replace(string(again), `" DISALLOW_REUSE`, `" DISALLOW_REUSE 59863947`, 1)
	for data, want := range map[string]string{
		string(first): "0", string(again): "1795918430", string(later): "1795918430", used: "1795918430",
		Lost: "-", "": "-", "JBSWY3DPEHPK3PXP\n\" VPND_SINCE soon\n": "-", "JBSWY3DPEHPK3PXP\n\" TOTP_AUTH\n": "0",
	} {
		if got := Since([]byte(data)); got != want {
			t.Errorf("%q: %s, want %s", data, got, want)
		}
	}
	if seedOf(again) == seedOf(first) || seedOf(later) != seedOf(again) {
		t.Error("seeds are not what they shall be")
	}
}

// A new seed is told of as what it is to its holder, and rules that come back are not.
func TestWhatANewSeedVoids(t *testing.T) {
	v := NewSecrets(host(t))
	seed := func(text string) *Secret { return &Secret{Content: resource.NewSecret(text)} }
	for _, c := range []struct {
		got  *Secret
		void bool
	}{{nil, true}, {seed("rubbish\n"), true}, {seed("JBSWY3DPEHPK3PXP\n"), false}} {
		if says := v.Voids(c.got, &Secret{}); (says != "") != c.void {
			t.Errorf("%+v: %q", c.got, says)
		}
	}
}

// An app reads the address, whatever the name of the company is.
func TestTheAddressForAnApp(t *testing.T) {
	app := (&Secret{Holder: resource.Ptr("alice@example.com"), Issuer: resource.Ptr("Acme & Söhne VPN")}).App()
	want := "otpauth://totp/Acme%20&%20S%C3%B6hne%20VPN:alice@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Acme%20%26%20S%C3%B6hne%20VPN"
	if got, err := URI(app, []byte("JBSWY3DPEHPK3PXP\n\" TOTP_AUTH\n")); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := URI(app, []byte("rubbish\n")); err == nil {
		t.Errorf("a file without a seed has the address %s", got)
	}
}

func host(t *testing.T) derived.Host { return derived.Host{Root: t.TempDir(), Rand: rand.Reader} }
