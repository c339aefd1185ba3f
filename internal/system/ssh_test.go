package system

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// A bastion is the other side of an SSH tunnel: sshd, and behind it a service that
// says back what it is told.
const bastion = "203.0.113.22"

// echo is that service: it says nothing by itself, as most do.
const echoSocket = "[Socket]\nListenStream=127.0.0.1:5432\nListenStream=127.0.0.1:5433\nAccept=yes\nMaxConnections=200\n[Install]\nWantedBy=sockets.target\n"

const echoService = "[Service]\nExecStart=-/bin/cat\nStandardInput=socket\n"

// A crossing is two hosts, of which one dials the other.
type crossing struct {
	scene
	bastion scene
}

func across(t *testing.T, release string) crossing {
	t.Helper()
	l := labtest.Of(t, release)
	o, err := office.Alone(t.Context(), l, vpnd)
	if err != nil {
		t.Fatal(err)
	}
	b := labtest.Host(t, l, "bastion")
	c := crossing{scene{o, t}, scene{&office.Office{Gateway: b}, t}}
	c.ok(l.Join("internet", b, "eth0", netip.MustParsePrefix(bastion+"/24")))
	c.ok(b.Copy(t.Context(), vpnd, "/usr/sbin/vpnd"))
	c.ok(b.WriteFile(t.Context(), "/etc/systemd/system/echo.socket", []byte(echoSocket), 0o644))
	c.ok(b.WriteFile(t.Context(), "/etc/systemd/system/echo@.service", []byte(echoService), 0o644))
	c.bastion.run("systemctl", "enable", "--now", "-q", "echo.socket")
	return c
}

// hostKey is the bastion's, as a person would copy it.
func (c crossing) hostKey() string {
	return strings.Join(strings.Fields(c.bastion.sh("cat /etc/ssh/ssh_host_ed25519_key.pub"))[:2], " ")
}

func (c crossing) tunnel(more string) string {
	return fmt.Sprintf(`ssh_tunnel "db" {
  host     = "%s"
  user     = "tunnel"
  host_key = "%s"
  local {
    listen = "127.0.0.1:8500"
    to     = "127.0.0.1:5432"
  }
%s}
`, bastion, c.hostKey(), more)
}

// says wants the forwarded port to lead to the service.
func (c crossing) says(at string) error {
	_, err := c.Gateway.Run(c.t.Context(), "timeout", "5", "bash", "-c", `exec 3<>/dev/tcp/`+strings.Replace(at, ":", "/", 1)+`; echo hello >&3; read -t 4 -u 3 word; test "$word" = hello`)
	return err
}

// admit makes an account on the bastion as people do without vpnd, which the key of
// the tunnel opens.
func (c crossing) admit(options string) {
	c.t.Helper()
	c.bastion.sh("id -u tunnel >/dev/null 2>&1 || useradd -r -m -d /srv/tunnel -s /usr/sbin/nologin -p '*' tunnel; mkdir -p -m 755 /srv/tunnel/.ssh")
	c.bastion.sh("echo '" + options + c.sh("cat /var/lib/vpnd/ssh/db.pub") + "' > /srv/tunnel/.ssh/authorized_keys")
}

// withoutBackups leaves out what the programs that write accounts keep beside: it is
// what was there before their last change, whatever that was.
func withoutBackups(print string) string {
	lines := strings.Split(print, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return backups.MatchString(line)
	}), "\n")
}

var backups = regexp.MustCompile(`/etc/g?(passwd|shadow|group)-(\s|$)`)

// A tunnel is made, tells what is missing on the other side, carries, and goes
// without a trace.
func TestSSHTunnel(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		c := across(t, release)
		first := withoutBackups(c.print())
		c.configure(c.tunnel(""))
		c.names(c.vpnd(1, "apply", "--yes"), "refuses the key; add it to the account tunnel there: ssh-ed25519 ")
		c.admit("restrict,port-forwarding ")
		c.apply()
		c.ok(c.says("127.0.0.1:8500"))
		c.names(c.sh("vpnd status || true"), "up since", "127.0.0.1:8500", bastion+":22")
		c.vpnd(0, "destroy", "--yes")
		if is := withoutBackups(c.print()); is != first {
			t.Errorf("after destroying the host is not as it was:\n%s", office.Diff(first, is))
		}
	})
}
