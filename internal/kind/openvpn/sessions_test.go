package openvpn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// office is what OpenVPN answers, cut to the columns that matter here: of alice as 2.6
// does, of tpham as 2.7.
var office = []string{
	"TITLE\tOpenVPN 2.6.14",
	"HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\tBytes Received\tBytes Sent\tConnected Since\tConnected Since (time_t)\tClient ID",
	"CLIENT_LIST\talice\t203.0.113.10:1194\t10.8.0.2\t\t1\t2\t2026-01-02 03:04:05\t1767323045\t7",
	"CLIENT_LIST\ttpham\tudp4:203.0.113.11:1194\t10.8.0.3\t\t1\t2\t2026-01-02 03:04:05",
	"CLIENT_LIST\tUNDEF\t203.0.113.12:1194\t\t\t1\t2\t2026-01-02 03:04:05",
	"GLOBAL_STATS\tMax bcast/mcast queue length\t0",
}

// serve plays OpenVPN's management interface and returns its socket.
func serve(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	connected := strings.Join(office, "\r\n")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = fmt.Fprint(c, ">INFO:OpenVPN Management Interface Version 5\r\n")
			for in := bufio.NewScanner(c); in.Scan(); {
				name, kill := strings.CutPrefix(in.Text(), "kill ")
				switch {
				case in.Text() == "status 3":
					_, _ = fmt.Fprintf(c, ">CLIENT:ESTABLISHED,0\r\n%s\r\nEND\r\n", connected)
				case in.Text() == "client-kill 7":
					connected = strings.Replace(connected, "\t10.8.0.2\t", "\t10.8.0.77\t", 1)
					_, _ = fmt.Fprint(c, "SUCCESS: client-kill command succeeded\r\n")
				case kill && strings.Contains(connected, "\t"+name+"\t"):
					connected = strings.ReplaceAll(connected, "\t"+name+"\t", "\tUNDEF\t")
					_, _ = fmt.Fprintf(c, "SUCCESS: common name '%s' found, 1 client(s) killed\r\n", name)
				case kill:
					_, _ = fmt.Fprintf(c, "ERROR: common name '%s' not found\r\n", name)
				default:
					_ = c.Close()
				}
			}
		}
	}()
	return socket
}

func TestSessionsAreRead(t *testing.T) {
	got, err := Sessions(context.Background(), serve(t))
	want := []Session{
		{"alice", "203.0.113.10:1194", "", "10.8.0.2", "2026-01-02 03:04:05", time.Unix(1767323045, 0).UTC(), 1, 2, "7"},
		{"tpham", "203.0.113.11:1194", "udp", "10.8.0.3", "2026-01-02 03:04:05", time.Time{}, 1, 2, ""}, // it does not say
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestOriginsAreReadAsEachOpenVPNWritesThem(t *testing.T) {
	for cell, want := range map[string][2]string{
		"203.0.113.10:1194":                    {"203.0.113.10:1194", ""},
		"udp4:203.0.113.10:1194":               {"203.0.113.10:1194", "udp"},
		"udp6:[2001:db8::10]:1194":             {"[2001:db8::10]:1194", "udp"},
		"tcp4-server:203.0.113.10:1194":        {"203.0.113.10:1194", "tcp"},
		"tcp6-server:[2001:db8:113::12]:36718": {"[2001:db8:113::12]:36718", "tcp"},
		"2001:db8::10":                         {"2001:db8::10", ""},
		"[2001:db8::10]:1194":                  {"[2001:db8::10]:1194", ""},
		"dead:beef::1":                         {"dead:beef::1", ""},
		"":                                     {"", ""},
	} {
		if address, transport := origin(cell); address != want[0] || transport != want[1] {
			t.Errorf("%q is read as %q by %q", cell, address, transport)
		}
	}
}

func TestNobodyIsConnectedToAServerThatIsNotThere(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	if got, err := Sessions(context.Background(), none); got != nil || !errors.Is(err, ErrDown) {
		t.Error(got, err)
	}
	if got, err := resourcetest.Observe(context.Background(), (Admissions{}), none); err != nil || len(got.Intruders) > 0 {
		t.Error(got, err)
	}
}

func TestIntrudersAreDisconnected(t *testing.T) {
	below := func(how string) Issuer { return revokedBelow(t, how) }
	list := func(text string) *string {
		name := filepath.Join(t.TempDir(), "codes-since")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return &name
	}
	for _, c := range []struct {
		wish                 Admission
		intruders, misplaced string
	}{
		{Admission{}, "[]", "[]"},
		{Admission{Members: []string{"alice", "tpham"}}, "[]", "[]"},
		{Admission{Members: []string{"alice"}}, "[tpham]", "[]"},
		{Admission{Refused: []string{"alice"}}, "[alice]", "[]"},
		{Admission{Addresses: map[string]string{"alice": "10.8.0.2", "tpham": "10.8.0.9", "bob": "10.8.0.3"}}, "[]", "[tpham]"},
		{Admission{Addresses: map[string]string{"alice": "10.8.0.2"}, Reserved: []string{"10.8.0.0/30"}}, "[]", "[tpham]"},
		{Admission{Addresses: map[string]string{"alice": "10.8.0.77"}}, "[]", "[alice]"},
		{Admission{Members: []string{"alice"}, Reserved: []string{"10.8.0.0/30"}}, "[tpham]", "[alice]"},
		{Admission{Codes: list("alice 1767323044\ntpham 99999999999\n")}, "[]", "[]"}, // when tpham came is not said
		{Admission{Codes: list("alice 1767323045\n")}, "[alice]", "[]"},
		{Admission{Codes: list("alice -\n"), Refused: []string{"tpham"}}, "[tpham]", "[]"},
		{Admission{Codes: resource.Ptr("/nowhere/codes-since")}, "[]", "[]"},
		{Admission{Issuers: []Issuer{below("")}}, "[]", "[]"},
		{Admission{Issuers: []Issuer{{Certificate: resource.Ptr("/nowhere/ca.crt"), Void: []string{"2a"}}}}, "[]", "[]"},
		{Admission{Issuers: []Issuer{below(""), below("void")}}, "[alice tpham]", "[]"},
		{Admission{Issuers: []Issuer{below("list")}, Members: []string{"alice"}}, "[alice tpham]", "[]"},
		{Admission{Issuers: []Issuer{below("list, and no word of the key")}}, "[alice tpham]", "[]"},
		{Admission{Issuers: []Issuer{below("list of another CA")}}, "[]", "[]"},
	} {
		socket := serve(t)
		k := resource.Define("openvpn_admission", "", resource.Traits{}, Admissions{})
		normal, err := k.Normalize(context.Background(), map[string]any{socket: &c.wish})
		if err != nil {
			t.Fatal(err)
		}
		got := k.Observe(context.Background(), map[string]any{socket: normal[socket]})[socket]
		if s := fmt.Sprint(got.Got.(*Admission).Intruders); got.Err != nil || s != c.intruders {
			t.Errorf("intruders %s, %v, want %s", s, got.Err, c.intruders)
		}
		if s := fmt.Sprint(got.Got.(*Admission).Misplaced); s != c.misplaced {
			t.Errorf("misplaced %s, want %s", s, c.misplaced)
		}
		if err := k.Apply(context.Background(), []resource.Change{{Name: socket, Got: got.Got, Want: normal[socket]}}); err != nil {
			t.Error(err)
		}
		if after := k.Observe(context.Background(), map[string]any{socket: normal[socket]})[socket]; len(resource.Compare(after.Got, normal[socket])) > 0 {
			t.Errorf("still there: %+v", after.Got)
		}
	}
}

func TestDisconnectingSomebodyWhoIsNotThere(t *testing.T) {
	if err := Disconnect(context.Background(), serve(t), "nobody"); err != nil {
		t.Error(err)
	}
	if err := Disconnect(context.Background(), serve(t), "x\nsignal SIGTERM"); err == nil {
		t.Error("a name became a command")
	}
}

func TestAnyNameIsOneWord(t *testing.T) {
	for name, want := range map[string]string{
		"alice":     "alice",
		"me@home":   "me@home",
		"two words": `"two words"`,
		`a"b\c`:     `"a\"b\\c"`,
		"#comment":  `"#comment"`,
	} {
		if got := quoted(name); got != want {
			t.Errorf("%q is written %s, want %s", name, got, want)
		}
	}
}
