package explain

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
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

// The manual has every block and attribute of the language, in the requests of mdoc(7),
// and no line that roff would take for one.
func TestManual(t *testing.T) {
	text := Manual(configtest.Catalog())
	for _, want := range []string{
		".Sh BLOCKS\n.Ss vpnd\nHow vpnd itself works.\nThere is at most one.\n",
		".Ss sysctl\nA kernel parameter.\nIt is set now and at boot.\n.Bl -tag -width Ds\n.It Li value Pq required\ntext; what the kernel shall hold\n.El\n",
		".It Li keepalive Brq\npings; at most one\n.Bl -tag -width Ds\n.It Li ping\nduration; how often; default \"10s\"\n",
		".It Li dropin Brq\na drop-in of the unit; any number, each with a name: dropin \"NAME\" { }\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(text, "digest") || strings.Count(text, ".Bl ") != strings.Count(text, ".El\n") {
		t.Error("it has what nobody writes, or a list without its end")
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, ".") && !regexp.MustCompile(`^\.(Sh|Ss|Bl|El|It)\b`).MatchString(line) || strings.HasPrefix(line, "'") {
			t.Errorf("roff takes this for a request: %q", line)
		}
	}
	for in, want := range map[string]string{`.Sh a`: `\&.Sh a`, `'a`: `\&'a`, `a\b`: `a\eb`, `a.b`: `a.b`} {
		if got := manualText(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
