package reason

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// read returns a log that was captured from a charon: SA, name of the connection,
// group and text of each message.
func read(t *testing.T, release, file string) []Line {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", release, file+".log"))
	if err != nil {
		t.Fatal(err)
	}
	var all []Line
	for line := range strings.Lines(strings.TrimSpace(string(data))) {
		words := strings.SplitN(strings.TrimSpace(line), "|", 4)
		all = append(all, Line{SA: words[0], Name: words[1], Text: words[3]})
	}
	return all
}

var (
	east = Connection{
		Name: "dc", Peer: []string{"192.0.2.2"}, LocalID: "east", RemoteID: "west",
		Proposals: []string{"aes256gcm16-prfsha384-ecp384"}, ESP: []string{"aes256gcm16-ecp384"},
	}
	west = Connection{Name: "dc", Peer: []string{"192.0.2.1"}, LocalID: "west", RemoteID: "east"}
)

// What two real charons of each release logged, of which one tries and the other one
// answers, with one mistake each.
func TestWhy(t *testing.T) {
	for _, release := range []string{"5.9.8", "6.0.1"} {
		for _, c := range []struct {
			file string
			side func(*Connection)
			want string
		}{
			{"good-initiator", nil, ""},
			{"good-responder", nil, ""},
			{"psk-responder", nil, "authentication failed: wrong pre-shared key; that of east is another one than here"},
			{"psk-initiator", nil, "authentication failed: 192.0.2.2 refuses this side; there the pre-shared key or an id is another one (here ours is east, the peer's west)"},
			{"id-ours-responder", func(c *Connection) { c.RemoteID = "eastern" }, "authentication failed: the peer's id is east, configured is eastern"},
			{"id-theirs-responder", func(c *Connection) { c.LocalID = "western" }, "authentication failed: the peer takes this side for west, configured is western"},
			{"id-ours-initiator", nil, "authentication failed: 192.0.2.2 refuses this side"},
			{"ike-proposal-responder", nil, "no proposal chosen: ours IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_3072, theirs IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384"},
			{"ike-proposal-initiator", nil, "no proposal of IKE chosen: 192.0.2.2 takes none of ours, aes256gcm16-prfsha384-ecp384, or knows nobody at our address"},
			{"unknown-initiator", nil, "or knows nobody at our address"},
			{"unknown-responder", nil, "the peer comes from 192.0.2.1 to 192.0.2.2, between which no connection is configured"},
			{"esp-proposal-responder", nil, "no proposal chosen: ours ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ, theirs ESP:AES_GCM_16_256/NO_EXT_SEQ"},
			{"esp-proposal-initiator", nil, "no proposal of ESP chosen: 192.0.2.2 takes none of ours, aes256gcm16-ecp384"},
			{"selectors-responder", nil, "traffic selectors refused: the peer asks for 10.2.0.0/16 here and 10.1.0.0/16 there, which no child has"},
			{"selectors-initiator", nil, "traffic selectors refused: 192.0.2.2 has other networks configured than this side"},
			{"down-initiator", nil, "no answer from 192.0.2.9:500; see whether strongSwan runs there, and UDP 500 and 4500 come through"},
			{"refused-initiator", nil, "no answer from 192.0.2.2:500"},
			{"unreachable-initiator", nil, "peer unreachable: this host has no route to 198.51.100.9"},
			{"local-address-initiator", nil, "peer unreachable: this host has no route to 192.0.2.2, or not the address that it shall come from"},
			{"name-initiator", nil, "the name nowhere.invalid can't be resolved"},
		} {
			side := east
			if strings.HasSuffix(c.file, "responder") {
				side = west
			}
			if c.side != nil {
				c.side(&side)
			}
			got := Read(read(t, release, c.file)).Why(side)
			if !strings.HasPrefix(got, c.want) && (c.want == "" || !strings.Contains(got, c.want)) || c.want == "" && got != "" {
				t.Errorf("%s, %s: %q, not %q", release, c.file, got, c.want)
			}
			other := side
			other.Name, other.Peer = "other", []string{"203.0.113.9"}
			if got := Read(read(t, release, c.file)).Why(other); got != "" {
				t.Errorf("%s, %s: of another connection it says %q", release, c.file, got)
			}
		}
	}
}

// apart gives the SAs of a log other numbers, as if they were later ones.
func apart(lines []Line, prefix string) []Line {
	all := make([]Line, len(lines))
	for i, l := range lines {
		if all[i] = l; l.SA != "" {
			all[i].SA = prefix + l.SA
		}
	}
	return all
}

// What the peer does not say is said where the peer tried itself.
func TestAVagueAnswerIsExplained(t *testing.T) {
	theirs := apart(read(t, "6.0.1", "psk-responder"), "a")
	for i := range theirs { // the same attempt, seen from the east
		theirs[i].Text = strings.NewReplacer("192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.1", "east", "west", "west", "east").Replace(theirs[i].Text)
	}
	got := Read(append(theirs, apart(read(t, "6.0.1", "psk-initiator"), "b")...)).Why(east)
	if want := "authentication failed: wrong pre-shared key; that of west is another one than here"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// What came before a success explains nothing.
func TestASuccessIsTheEndOfReasons(t *testing.T) {
	lines := append(apart(read(t, "5.9.8", "psk-responder"), "a"), apart(read(t, "5.9.8", "good-responder"), "b")...)
	if got := Read(lines).Why(west); got != "" {
		t.Errorf("it is up, and said to be down since %s", got)
	}
	lines = append(lines, Line{SA: "b1", Name: "dc", Text: "received DELETE for IKE_SA dc[1]"})
	if got := Read(lines).Why(west); got != "192.0.2.1 ended it" {
		t.Errorf("%q", got)
	}
	lines[len(lines)-1].Text = "giving up after 5 retransmits"
	if got := Read(lines).Why(west); got != "192.0.2.1 does not answer any more" {
		t.Errorf("%q", got)
	}
}

// An IKE SA that no child SA was asked for, as of a tunnel that stands by, is a success.
func TestAnIKESAAloneIsASuccess(t *testing.T) {
	lines := apart(read(t, "5.9.8", "psk-initiator"), "a")
	if Read(lines).Why(east) == "" {
		t.Fatal("it says nothing of the wrong key")
	}
	lines = append(lines, Line{SA: "b1", Name: "dc", Text: "IKE_SA dc[2] established between 192.0.2.1[east]...192.0.2.2[west]"})
	if got := Read(lines).Why(east); got != "" {
		t.Errorf("it stands by, and is said to be down since %s", got)
	}
}

// Many tunnels that are all down are told of in no time.
func TestManyAreToldApart(t *testing.T) {
	var lines []Line
	for i := range 200 {
		one := read(t, "6.0.1", "selectors-initiator")
		for j := range one {
			if one[j].Name != "" {
				one[j].Name = fmt.Sprintf("c%d", i)
			}
		}
		lines = append(lines, apart(one, fmt.Sprintf("%d-", i))...)
	}
	began := time.Now()
	log := Read(lines)
	for i := range 200 {
		side := east
		side.Name = fmt.Sprintf("c%d", i)
		if got := log.Why(side); !strings.HasPrefix(got, "traffic selectors refused") {
			t.Errorf("%s: %q", side.Name, got)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("%d lines took %s", len(lines), took)
	}
	t.Logf("%d lines of 200 connections in %s", len(lines), time.Since(began))
}
