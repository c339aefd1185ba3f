package shape

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/json"

	"vpnd/internal/config/configtest"
)

// Cipher has an attribute whose old name is that of a block, and one whose old name is
// free.
type Cipher struct {
	Digest *string `vpnd:"digest" was:"auth" doc:"digest of packets"`
	Size   *int    `vpnd:"size" was:"keysize" doc:"bits of a key"`
	Auth   *struct {
		Lifetime *string `vpnd:"lifetime"`
	} `vpnd:"auth,block"`
}

// Who writes the name that an attribute once had is told the new one, in both
// syntaxes, and a block that has that name now is none of it.
func TestAnOldNameLeadsToTheNewOne(t *testing.T) {
	for text, says := range map[string]string{
		`auth = "SHA256"`:                "The attribute auth is called digest now",
		`keysize = 128`:                  "The attribute keysize is called size now",
		`{"auth": "SHA256"}`:             "The attribute auth is called digest now",
		`{"keysize": 128}`:               "The attribute keysize is called size now",
		"auth {\n  lifetime = \"1h\"\n}": "",
		`{"auth": {"lifetime": "1h"}}`:   "",
		`digest = "SHA256"`:              "",
	} {
		var body hcl.Body
		if strings.HasPrefix(text, "{") {
			f, diags := json.Parse([]byte(text), "a.json")
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			body = f.Body
		} else {
			body = parse(t, text)
		}
		d := Decode(body, &Cipher{}, context(), configtest.Catalog(), "cipher", "cipher")
		switch {
		case says == "" && d.Diags.HasErrors():
			t.Errorf("%s: %v", text, d.Diags)
		case says != "" && (len(d.Diags) != 1 || d.Diags[0].Summary != "Renamed attribute" || !strings.HasPrefix(d.Diags[0].Detail, says) || d.Diags[0].Subject == nil):
			t.Errorf("%s: %v", text, d.Diags)
		}
	}
}
