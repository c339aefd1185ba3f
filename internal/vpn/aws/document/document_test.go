package document

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/vpn/vpntest"
)

func sample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// show writes what was read, keys by their last characters.
func show(c *Connection) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s at %s, from %s: static %v, accelerated %v, routes %v, selectors %v %v\n", c.ID, c.CustomerGateway, c.Gateway, c.Outside, c.Static, c.Accelerated, c.Routes, c.Local, c.Remote)
	for _, t := range c.Tunnels {
		key := "none"
		if t.PSK != nil {
			text := t.PSK.Reveal()
			key = fmt.Sprintf("%d, ends in %s", len(text), text[len(text)-3:])
		}
		fmt.Fprintf(&b, "  %s: inside %s %s, %v %v\n", t.Outside, t.Inside, t.PeerInside, t.Inside6, t.PeerInside6)
		fmt.Fprintf(&b, "    AS %d %d, hold %s; key %s, kept %q, certificate %v\n", t.ASN, t.PeerASN, t.HoldTime, key, t.KeyARN, t.Certificate)
		fmt.Fprintf(&b, "    sample %v, lives %s %s, DPD %s\n", t.Sample, t.IKELifetime, t.ESPLifetime, t.DPDInterval)
		if t.Options != nil {
			fmt.Fprintf(&b, "    takes %v\n", *t.Options)
		}
	}
	return b.String()
}

// Every form of every kind of connection comes to the right two tunnels, by their
// addresses, whichever stands first.
func TestEveryForm(t *testing.T) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range files {
		name := filepath.Base(path)
		if filepath.Ext(name) == ".golden" {
			continue
		}
		id := ""
		if name == "many-connections.json" {
			id = "vpn-0a1b2c3d4e5f60718"
		}
		c, err := Read(sample(t, name), id)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		fmt.Fprintf(&all, "== %s\n%s", name, show(c))
	}
	vpntest.Golden(t, "read.golden", all.String())
}

// What is cut off anywhere is an error, and never one tunnel or a tunnel without its
// key. Of a JSON or an XML the last bracket is not missed.
func TestCutOffIsAnError(t *testing.T) {
	for _, name := range []string{"vgw-static.xml", "tgw-bgp-ipv6.xml", "empty-lists.json", "generic-static.txt", "generic-bgp.txt"} {
		whole := strings.TrimSpace(sample(t, name))
		end := len(whole)
		if strings.HasSuffix(name, ".txt") { // the notes at the end are nobody's
			end = strings.LastIndex(whole, "- Next hop")
			if end < 0 {
				end = strings.LastIndex(whole, "- Virtual Private  Gateway ASN")
			}
		}
		for n := range end {
			c, err := Read(whole[:n], "")
			if err == nil {
				t.Fatalf("%s: its first %d bytes are taken: %s", name, n, show(c))
			}
			if strings.Contains(err.Error(), "made.up") {
				t.Fatalf("%s: it tells a key: %v", name, err)
			}
		}
	}
}

// 100 MB are refused at once, and what is within the bounds takes neither long nor
// much.
func TestLargeInput(t *testing.T) {
	began := time.Now()
	for name, text := range map[string]string{
		"too large":     "<vpn_connection>" + strings.Repeat("x", 100<<20),
		"many elements": "<vpn_connection>" + strings.Repeat("<a></a>", Largest/8),
		"deep":          strings.Repeat("<a>", Largest/3-10),
		"text":          "<vpn_connection>" + strings.Repeat("x", Largest-30) + "</vpn_connection>"[:13],
		"deep JSON":     strings.Repeat("[", Largest-1),
		"objects":       `{"VpnConnections":` + strings.Repeat(`{"VpnConnections":`, Largest/20),
		"headings":      strings.Repeat(tunnelHeading+"1\n", Largest/20),
		"lines":         tunnelHeading + "1" + strings.Repeat("\n - a : b", Largest/10) + tunnelHeading + "2",
		"attributes":    "<vpn_connection " + strings.Repeat("a='' ", Largest/6) + ">",
	} {
		if _, err := Read(text, ""); err == nil {
			t.Errorf("%s: it is taken", name)
		} else if len(err.Error()) > 500 {
			t.Errorf("%s: it tells too much: %.500s", name, err.Error())
		}
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
