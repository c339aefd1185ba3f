package ssh

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

// Tunnels listen at other places in one apply, whichever comes first.
func TestWhoIsInTheWay(t *testing.T) {
	at := func(local string) socket { return socket{state: listening, local: netip.MustParseAddrPort(local)} }
	want := func(listen string) *Forward { return &Forward{Locals: []Local{{Listen: &listen}}} }
	for _, c := range []struct {
		socket socket
		want   *Forward
		is     bool
	}{
		{at("127.0.0.1:8500"), want("127.0.0.1:8500"), true},
		{at("127.0.0.1:8500"), &Forward{Dynamic: []string{"127.0.0.1:8500"}}, true},
		{at("127.0.0.1:8500"), want("localhost:8500"), true},
		{at("0.0.0.0:8500"), want("127.0.0.1:8500"), true},
		{at("127.0.0.1:8500"), want("*:8500"), true},
		{at("127.0.0.2:8500"), want("127.0.0.1:8500"), false},
		{at("127.0.0.1:8501"), want("127.0.0.1:8500"), false},
		{socket{state: established, local: netip.MustParseAddrPort("127.0.0.1:8500")}, want("127.0.0.1:8500"), false},
		{at("127.0.0.1:8500"), want("/run/vpnd-ssh-db/8500"), false},
	} {
		if is := inTheWay(c.socket, c.want); is != c.is {
			t.Errorf("%s is in the way of %v: %v", c.socket.local, c.want.listens(), is)
		}
	}
}

func TestWhichTunnelsMove(t *testing.T) {
	plan := resource.Prospect{Coming: map[resource.ID]resource.Arrival{
		{Kind: "file", Name: "/etc/ssh/vpnd/db/config"}:       {},
		{Kind: "file", Name: "/etc/ssh/vpnd/web/known_hosts"}: {},
		{Kind: "file", Name: "/etc/ssh/vpnd/config"}:          {},
		{Kind: "path", Name: "/etc/ssh/vpnd/other/config"}:    {},
	}}
	if units := Moving(plan); !slices.Equal(units, []string{"vpnd-ssh-db.service"}) {
		t.Errorf("%q", units)
	}
}

// TestMain lets the test binary be the ssh of a tunnel, which listens.
func TestMain(m *testing.M) {
	nettest.Taken("VPND_TEST_LISTEN", func(at string) (any, error) { return net.Listen("tcp", at) })
	nettest.Main(m)
}

// stops is a systemd that can end one unit.
type stops struct {
	Manager
	units map[string]func()
	told  *[]string
}

func (s stops) Stop(_ context.Context, unit string) error {
	*s.told = append(*s.told, unit)
	s.units[unit]()
	return nil
}
func (stops) Close() {}

// ran runs a process of an account that listens, and returns what ends it.
func ran(t *testing.T, uid uint32, at string) (end func()) {
	t.Helper()
	return nettest.Hold(t, "VPND_TEST_LISTEN", at, syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}})
}

// The tunnel in the way is stopped, and nobody else.
func TestATunnelMakesRoom(t *testing.T) {
	nettest.Need(t)
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	mine := t.TempDir() + "/passwd"
	text := string(passwd) + "vpnd-ssh-web:x:64001:64001::/nonexistent:/usr/sbin/nologin\nvpnd-ssh-db:x:64002:64002::/nonexistent:/usr/sbin/nologin\n"
	if err := os.WriteFile(mine, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(mine, "/etc/passwd", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount("/etc/passwd", 0) })
	web, own, other := ran(t, 64001, "127.0.0.1:8500"), ran(t, 64002, "127.0.0.1:8600"), ran(t, 65534, "127.0.0.1:8700")
	defer func() { web(); own(); other() }()
	var told []string
	v := Verbs{Connect: func(context.Context) (Manager, error) {
		return stops{units: map[string]func(){"vpnd-ssh-web.service": web}, told: &told}, nil
	}}
	want := &Forward{Dynamic: []string{"127.0.0.1:8500", "127.0.0.1:8600", "127.0.0.1:8700"}}
	for _, made := range []bool{true, false} {
		if got, err := v.makeRoom(t.Context(), "db", want); got != made || err != nil {
			t.Errorf("it made room: %v, %v", got, err)
		}
	}
	if !slices.Equal(told, []string{"vpnd-ssh-web.service"}) {
		t.Errorf("stopped: %q", told)
	}
	if l, err := net.Listen("tcp", "127.0.0.1:8500"); err != nil {
		t.Error(err)
	} else {
		l.Close()
	}
}
