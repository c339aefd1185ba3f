package openvpn

import (
	"context"
	"strings"
	"testing"

	"vpnd/internal/nettest"
)

func TestWhatOpenVPNHasNamesFor(t *testing.T) {
	nettest.Need(t)
	v := new(Vocabulary)
	for _, c := range []struct {
		word       Word
		name, want string
	}{
		{Digest, "SHA256", ""},
		{Digest, "sha3-512", ""},
		{Digest, "SHA2-256", ""}, // which no list has
		{Digest, "SHA265", "knows no SHA265; write SHA256, or another one that openvpn --show-digests lists"},
		{Digest, "quite-another", "knows no quite-another; openvpn --show-digests lists what it knows"},
		{Cipher, "ARIA-256-GCM", ""},
		{Cipher, "AES-265-GCM", "knows no AES-265-GCM; write AES-256-GCM"},
		{TLSWord, "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384", ""},
		{TLSWord, "ECDHE-RSA-AES256-GCM-SHA384", ""},
		{TLSWord, "TLS-NOPE", "knows no TLS-NOPE"},
		{TLSSuite, "TLS_AES_128_CCM_SHA256", ""},
		{TLSSuite, "TLS_AES_256_GCM_SHA385", "write TLS_AES_256_GCM_SHA384"},
		{TLSGroup, "ffdhe2048", ""},
		{TLSGroup, "brainpoolP256r1", ""},
		{TLSGroup, "X25591", "write X25519"},
	} {
		got := ""
		if m := v.Knows(context.Background(), c.word, c.name); m != nil {
			got = m.Summary + "; " + m.Hint
		}
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s %s: %q, want %q", c.word.directive, c.name, got, c.want)
		}
	}
	if got := Readable(context.Background(), "no-such-directive 1"); got == nil || !strings.Contains(got.Summary, "Unrecognized option") {
		t.Errorf("%+v", got)
	}
	if got := Readable(context.Background(), "tcp-queue-limit 128"); got != nil {
		t.Errorf("%+v", got)
	}
	t.Setenv("PATH", t.TempDir())
	if got := v.Knows(context.Background(), Digest, "SHA265"); got == nil || !got.Warning || !strings.HasSuffix(got.Hint, "did you mean SHA256?") {
		t.Errorf("without openvpn: %+v", got)
	}
	if got := Readable(context.Background(), "no-such-directive 1"); got == nil || !got.Warning {
		t.Errorf("without openvpn: %+v", got)
	}
	if got := v.Knows(context.Background(), Digest, "SHA512"); got != nil {
		t.Errorf("without openvpn: %+v", got)
	}
}
