package system

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/costs"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// TestWhatChangesCost changes one attribute after the other under two who are connected.
// What the plan announces is what the table says, and what the server and the clients
// then tell: whose session ends, and whose profile is void. Most of the time a client
// waits for its server; so several hosts go through a part of the table each.
func TestWhatChangesCost(t *testing.T) {
	t.Parallel()
	for i, part := range costs.Parts() {
		t.Run(fmt.Sprint("part ", i+1), func(t *testing.T) {
			t.Parallel()
			m := newMatrix(t)
			for _, row := range part {
				m.goThrough(t, row)
			}
		})
	}
}

// matrix is a server with two clients.
type matrix struct {
	scene
	document *costs.Document
	people   *lab.Host
}

func newMatrix(t *testing.T) *matrix {
	l := labtest.For(t, 2, lab.Bookworm)
	o, err := office.Alone(t.Context(), l, vpnd)
	if err != nil {
		t.Fatal(err)
	}
	m := &matrix{scene{o, t}, costs.Base(office.Remote), labtest.Host(t, l, "people")}
	m.ok(l.Join("internet", m.people, "eth0", netip.MustParsePrefix("203.0.113.10/24")))
	labtest.Run(t, m.people, "sh", "-c", "echo 203.0.113.1 vpn.example.com >> /etc/hosts")
	m.configure(m.document.String())
	m.vpnd(0, "apply", "--yes")
	m.sh("mkdir -m 0700 /etc/ca && cp /var/lib/vpnd/pki/office/ca.* /etc/ca && cp /etc/ca/ca.key /etc/ca/again.key && touch /etc/ca/index.txt")
	for _, name := range costs.Everybody {
		m.bring(t, name)
	}
	m.back(t, costs.Everybody...)
	return m
}

// goThrough makes the change of a row, with what has to be so before and after.
func (m *matrix) goThrough(t *testing.T, row costs.Row) {
	if row.Not != "" {
		return
	}
	begun := time.Now()
	if len(row.First) > 0 {
		m.document.Make(row.First...)
		m.change(t, costs.Row{Any: true})
	}
	back := m.document.Make(append(row.With, row)...)
	well := t.Run(row.Attribute(), func(t *testing.T) { m.change(t, row) })
	if row.Back || row.Refused != "" {
		m.document.Make(back...)
	}
	if row.Back {
		well = t.Run(row.Attribute()+" back", func(t *testing.T) { m.change(t, costs.Row{Any: true, Anew: row.Anew, Redial: row.Out}) }) && well
	}
	if !well { // what comes after tells of itself
		for _, name := range costs.Everybody {
			m.bring(t, name)
		}
		m.back(t, costs.Everybody...)
	}
	t.Logf("%-45s %4.1f s", row.Attribute(), time.Since(begun).Seconds())
}

// impatient has a client try again soon, and tell of it in a file.
const impatient = `
connect-retry 1 1
hand-window 5
dev-type tun
dev tun-%[1]s
log-append /run/%[1]s.log
auth-user-pass /etc/openvpn/client/%[1]s.password
`

// bring brings a client the profile that is there now, and has them dial with it.
func (m *matrix) bring(t *testing.T, name string) {
	t.Helper()
	profile := labtest.Run(t, m.Gateway, "vpnd", "client", "export", name)
	if err := m.people.WriteFile(t.Context(), "/etc/openvpn/client/"+name+".conf", []byte(profile+fmt.Sprintf(impatient, name)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.people.WriteFile(t.Context(), "/etc/openvpn/client/"+name+".password", []byte(name+"\nsecret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.dial(t, name)
}

func (m *matrix) dial(t *testing.T, name string) {
	t.Helper()
	labtest.Run(t, m.people, "sh", "-c", ": > /run/"+name+".log; systemctl restart openvpn-client@"+name)
}

// session is how the management interface of the server tells of one.
type session struct{ name, from, address, since, id string }

// sessions asks the server who is connected, past vpnd; nothing where it does not answer.
func (m *matrix) sessions() map[string]session {
	d := net.Dialer{Timeout: 2 * time.Second}
	conn, err := d.Dial("unix", fmt.Sprintf("/proc/%d/root/run/openvpn-server/office/management.sock", m.Gateway.PID()))
	if err != nil {
		return nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	_, _ = fmt.Fprint(conn, "status 3\n")
	all := make(map[string]session)
	titles := map[string]int{}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		cells := strings.Split(lines.Text(), "\t")
		switch {
		case len(cells) > 2 && cells[0] == "HEADER" && cells[1] == "CLIENT_LIST":
			for i, title := range cells[2:] {
				titles[title] = i + 1
			}
		case cells[0] == "CLIENT_LIST":
			s := session{cells[titles["Common Name"]], cells[titles["Real Address"]], cells[titles["Virtual Address"]], cells[titles["Connected Since (time_t)"]], cells[titles["Client ID"]]}
			if s.address != "" {
				all[s.name] = s
			}
		case cells[0] == "END":
			_, _ = fmt.Fprint(conn, "quit\n")
			return all
		}
	}
	return nil
}

var (
	newProfile = regexp.MustCompile(`needs a new profile: ([a-z, ]+)`)
	// What OpenVPN says where it is not let in.
	refusal = regexp.MustCompile(`Connection refused|TLS key negotiation failed|TLS Error|VERIFY ERROR|AUTH_FAILED|Connection reset|handshake failed`)
)

// announced is what a plan says of its cost.
func announced(out string) (loses, void []string) {
	_, cost, _ := strings.Cut(out, "Cost: ")
	cost, _, _ = strings.Cut(cost, "\n")
	switch {
	case strings.Contains(cost, "disconnects everybody"):
		loses = costs.Everybody
	case strings.Contains(cost, "disconnects one client"):
		loses = []string{"one"}
	case !strings.Contains(cost, "nobody who is connected notices"):
		loses = []string{cost}
	}
	if found := newProfile.FindStringSubmatch(cost); found != nil {
		void = strings.Split(found[1], ", ")
	}
	return loses, void
}

// change applies the document and holds what comes of it against a row.
func (m *matrix) change(t *testing.T, row costs.Row) {
	s := m.in(t)
	was, process := m.sessions(), m.process(t)
	labtest.Run(t, m.people, "sh", "-c", ": > /run/alice.log; : > /run/bob.log") // refusals of before
	s.configure(m.document.String())
	if row.Refused != "" {
		s.names(s.vpnd(1, "apply", "--yes"), row.Refused)
		if lost := m.lost(t, was, process); len(lost) > 0 {
			t.Errorf("%q lost the session by what was refused", lost)
		}
		return
	}
	out := s.vpnd(0, "apply", "--yes")
	loses, void := announced(out)
	lost := m.lost(t, was, process)
	if said := strings.Join(loses, " "); said != strings.Join(lost, " ") && !(said == "one" && len(lost) == 1) {
		t.Errorf("announced to disconnect %q, and %q were\n%s", loses, lost, out)
	}
	if !row.Any && (!slices.Equal(row.Loses, lost) || !slices.Equal(row.New, void)) {
		t.Errorf("%q lost the session instead of %q, and %q instead of %q need a new profile\n%s", lost, row.Loses, void, row.New, out)
	}
	m.after(t, row, lost, void)
}

// after sees that who lost the session comes in again, or does not, and then has all
// connected.
func (m *matrix) after(t *testing.T, row costs.Row, lost, void []string) {
	if len(lost) == 1 { // who is sent away alone is not told, and notices after a while
		m.dial(t, lost[0])
	}
	if row.Out {
		m.refused(t, lost...)
		return
	}
	for _, name := range costs.Everybody {
		switch {
		case slices.Contains(row.Anew, name):
			m.bring(t, name)
		case row.Redial && !slices.Contains(lost, name):
			m.dial(t, name)
		case !slices.Contains(void, name):
			m.back(t, name)
		case slices.Contains(lost, name) && !row.Works:
			m.refused(t, name)
			fallthrough
		case true:
			m.bring(t, name)
		}
	}
	m.back(t, costs.Everybody...)
}

// process is the process of the server.
func (m *matrix) process(t *testing.T) string {
	t.Helper()
	return labtest.Run(t, m.Gateway, "systemctl", "show", "-p", "MainPID", "openvpn-server@office")
}

// lost tells whose session is another one than it was, once the server answers; of a
// server that is not to be asked, everybody's where it is another process.
func (m *matrix) lost(t *testing.T, was map[string]session, process string) []string {
	t.Helper()
	now := m.sessions()
	changed := m.process(t) != process
	for end := time.Now().Add(10 * time.Second); now == nil && m.managed() && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		now = m.sessions()
	}
	var lost []string
	for _, name := range costs.Everybody {
		if one, in := was[name]; in && now != nil && now[name] != one || (was == nil || now == nil) && changed {
			lost = append(lost, name)
		}
	}
	return lost
}

// managed says whether the server is to be asked.
func (m *matrix) managed() bool {
	return !strings.Contains(m.document.String(), "management = false")
}

// reaches says whether packets of a client reach the server by its own tunnel, and come
// back.
func (m *matrix) reaches(ctx context.Context, name string) error {
	_, err := m.people.Run(ctx, "ping", "-c", "1", "-W", "1", "-I", "tun-"+name, m.document.Inside())
	return err
}

// back waits until those are connected, and packets get through.
func (m *matrix) back(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		m.soon(t, name+" is connected", func(ctx context.Context) error { return m.reaches(ctx, name) })
	}
}

// refused waits until those were turned away, or get nothing through though they came in.
func (m *matrix) refused(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		m.soon(t, name+" is refused", func(ctx context.Context) error {
			if _, in := m.sessions()[name]; in {
				if m.reaches(ctx, name) == nil {
					t.Fatalf("%s is connected with the profile that is said to be void", name)
				}
				return nil
			}
			log, err := m.people.ReadFile("/run/" + name + ".log")
			if err == nil && !refusal.Match(log) {
				err = errors.New("its log does not say so")
			}
			return err
		})
	}
}

// soon waits up to thirty seconds for something to become true.
func (m *matrix) soon(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = check(t.Context()); err == nil {
			return
		}
	}
	t.Fatalf("it did not come about that %s: %v\n%s", what, err, labtest.Run(t, m.people, "sh", "-c", "tail -n 8 /run/*.log"))
}
