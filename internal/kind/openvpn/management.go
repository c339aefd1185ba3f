package openvpn

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vpnd/internal/socket"
)

// patience is how long the management interface may take. It serves one client
// at a time, and the next one waits.
const patience = 2 * time.Second

// A Session is one connected client, as the management interface of OpenVPN
// tells it (status 3; see management-notes.txt of OpenVPN).
type Session struct {
	CommonName string
	Real       string    // address and port that it comes from
	Transport  string    // udp or tcp, by which it does; empty where OpenVPN does not say, before 2.7
	Virtual    string    // address in the VPN, that of IPv4 where it has both
	Since      string    // as OpenVPN writes it, in the host's time zone
	Began      time.Time // the same; the zero time where OpenVPN does not say
	In, Out    uint64    // received and sent since, in bytes
	ID         string    // by which the server tells this session from later ones
}

// ErrDown says that nobody listens on a management socket.
var ErrDown = errors.New("the server is not running")

// ErrSilent says that whoever listens on a management socket does not answer: it hangs,
// or serves somebody else.
var ErrSilent = fmt.Errorf("the management interface did not answer within %v; somebody else may be connected to it", patience)

// Sessions lists who is connected to the server behind a management socket; of
// one that is not running it says [ErrDown].
func Sessions(ctx context.Context, socket string) ([]Session, error) {
	c, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, ErrDown
	}
	defer c.close()
	lines, err := c.ask("status 3", "END")
	if err != nil {
		return nil, err
	}
	return parseSessions(lines), nil
}

// Disconnect ends the sessions of a common name. That there is none is no
// error.
func Disconnect(ctx context.Context, socket, name string) error {
	if strings.ContainsAny(name, "\r\n\x00") {
		return fmt.Errorf("%q is no common name", name)
	}
	c, err := dial(ctx, socket)
	if c == nil {
		return err
	}
	defer c.close()
	_, err = c.ask("kill "+quoted(name), "SUCCESS:")
	var refused *refusal
	if errors.As(err, &refused) && strings.Contains(refused.text, "not found") {
		return nil
	}
	return err
}

// bare are names that the management interface reads as they stand.
var bare = regexp.MustCompile(`^[A-Za-z0-9._@:+-]+$`)

// quoted writes a name as one word. The management interface takes lines apart
// as those of a configuration, so that a space, a quote or a # in the name of a
// certificate that another CA gave would keep its holder connected.
func quoted(name string) string {
	if bare.MatchString(name) {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// refusal is an answer that begins with ERROR.
type refusal struct{ text string }

func (r *refusal) Error() string { return "OpenVPN answers: " + r.text }

type connection struct {
	net.Conn
	lines *bufio.Scanner
}

// dial connects to the socket. Where nobody listens it returns nil and no
// error.
func dial(ctx context.Context, path string) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := socket.Dial(ctx, path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, nil
	}
	if errors.Is(err, syscall.EAGAIN) { // those who wait are as many as may
		return nil, ErrSilent
	}
	if err != nil {
		return nil, fmt.Errorf("reaching the management interface: %w", err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &connection{Conn: conn, lines: bufio.NewScanner(conn)}, nil
}

func (c *connection) close() {
	_, _ = c.Write([]byte("quit\n")) // a courtesy: the next one is served sooner
	_ = c.Close()
}

// ask sends a command and returns the lines of its answer up to the one that
// begins with end. Lines that begin with > are news and no answer.
func (c *connection) ask(command, end string) ([]string, error) {
	if _, err := c.Write([]byte(command + "\n")); err != nil {
		return nil, fmt.Errorf("asking the management interface: %w", err)
	}
	var answer []string
	for c.lines.Scan() {
		line := strings.TrimSuffix(c.lines.Text(), "\r")
		switch {
		case strings.HasPrefix(line, ">"):
		case strings.HasPrefix(line, "ERROR:"):
			return nil, &refusal{strings.TrimSpace(strings.TrimPrefix(line, "ERROR:"))}
		case strings.HasPrefix(line, end):
			return answer, nil
		default:
			answer = append(answer, line)
		}
	}
	err := c.lines.Err()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, ErrSilent
	}
	if err == nil {
		err = fmt.Errorf("it closed the connection (%w)", io.EOF)
	}
	return nil, fmt.Errorf("reading from the management interface: %w", err)
}

// parseSessions reads the rows of status 3, whose columns its HEADER names.
// Clients that are still shaking hands have no name yet and are left out.
func parseSessions(lines []string) []Session {
	columns := make(map[string]int)
	var sessions []Session
	for _, line := range lines {
		cells := strings.Split(line, "\t")
		switch {
		case len(cells) > 2 && cells[0] == "HEADER" && cells[1] == "CLIENT_LIST":
			for i, title := range cells[2:] {
				columns[title] = i + 1
			}
		case cells[0] == "CLIENT_LIST":
			cell := func(title string) string {
				if i := columns[title]; i > 0 && i < len(cells) {
					return cells[i]
				}
				return ""
			}
			if name := cell("Common Name"); name != "" && name != "UNDEF" {
				address, transport := origin(cell("Real Address"))
				sessions = append(sessions, Session{name, address, transport, cmp.Or(cell("Virtual Address"), cell("Virtual IPv6 Address")), cell("Connected Since"), moment(cell("Connected Since (time_t)")), count(cell("Bytes Received")), count(cell("Bytes Sent")), cell("Client ID")})
			}
		}
	}
	return sessions
}

// origin takes a real address apart. OpenVPN 2.7 writes in front of it what it came in by:
// udp4:203.0.113.10:1194, tcp6-server:[2001:db8::10]:1194.
func origin(cell string) (address, transport string) {
	protocol, rest, _ := strings.Cut(cell, ":")
	if !isProtocol.MatchString(protocol) {
		return cell, ""
	}
	return rest, protocol[:3]
}

// isProtocol is what OpenVPN calls a protocol with its family.
var isProtocol = regexp.MustCompile(`^(udp|tcp)[46](-server|-client)?$`)

// moment reads a time_t.
func moment(text string) time.Time {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// count reads a number of bytes; what is none counts for nothing.
func count(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
