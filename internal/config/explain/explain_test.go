package explain

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"vpnd/internal/config/configtest"
)

var update = flag.Bool("update", false, "rewrite what the golden file expects")

func TestExplain(t *testing.T) {
	var out bytes.Buffer
	for _, path := range []string{"", "server", "server.keepalive", "server.network", "server.pki", "unit", "secret_file", "vpnd.metrics", "check", "variable", "dynamic"} {
		text, err := Text(configtest.Catalog(), path)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("== " + path + "\n" + text + "\n")
	}
	const golden = "testdata/explain.golden"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got:\n%s", out.String())
	}
}

func TestExplainSuggests(t *testing.T) {
	for path, want := range map[string]string{
		"servr":                 `there is no block "servr". Did you mean "server"?`,
		"server.keepalife":      `server has no attribute and no block "keepalife". Did you mean "keepalive"?`,
		"server.keepalive.pong": `server.keepalive has no attribute and no block "pong". Did you mean "ping"?`,
		"server.network.x":      `server.network is an attribute, so there is nothing below it`,
	} {
		if text, err := Text(configtest.Catalog(), path); err == nil || err.Error() != want {
			t.Errorf("%s: %v %s", path, err, text)
		}
	}
}
