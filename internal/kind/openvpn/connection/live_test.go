package connection

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

// issue writes a CA, and a certificate and key of each name.
func issue(t *testing.T, dir string, uses map[string]x509.ExtKeyUsage) {
	t.Helper()
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte, err error) {
		t.Helper()
		if err == nil {
			err = os.WriteFile(dir+"/"+name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	write("ca.crt", "CERTIFICATE", der, err)
	serial := int64(1)
	for name, use := range uses {
		serial++
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use}}
		der, err := x509.CreateCertificate(rand.Reader, c, ca, key.Public(), caKey)
		write(name+".crt", "CERTIFICATE", der, err)
		der, err = x509.MarshalPKCS8PrivateKey(key)
		write(name+".key", "PRIVATE KEY", der, err)
	}
}

// running is a systemd of one unit: an OpenVPN that the test started.
type running struct {
	t    *testing.T
	cmd  *exec.Cmd
	over chan struct{}
}

func (r *running) Close() {}

func (r *running) ActiveState(context.Context, string) (string, error) {
	if r.cmd == nil {
		return "inactive", nil
	}
	select {
	case <-r.over:
		return "failed", nil
	default:
		return "active", nil
	}
}

func (r *running) MainPID(context.Context, string) (int, error) { return r.cmd.Process.Pid, nil }

func (r *running) StopUnit(context.Context, string) error {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		<-r.over
	}
	r.cmd = nil
	return nil
}

func (r *running) RestartUnit(ctx context.Context, unit string) error {
	if err := r.StopUnit(ctx, unit); err != nil {
		return err
	}
	r.start(Place("hq").Config())
	return nil
}

// start runs OpenVPN with a configuration until it is stopped, or the test ends.
func (r *running) start(config string) {
	r.cmd, r.over = exec.Command("openvpn", "--config", config, "--suppress-timestamps"), make(chan struct{})
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := os.Create(r.t.TempDir() + "/log")
	if err != nil {
		r.t.Fatal(err)
	}
	r.cmd.Stdout = out
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { _ = r.cmd.Wait(); out.Close(); close(r.over) }()
}

// A client with a real server: it connects, and whatever is done to it is named and put
// right; and one whose block goes is ended.
func TestWithARealServer(t *testing.T) {
	nettest.Need(t)
	ctx, place := t.Context(), Place("hq")
	for _, dir := range []string{place.Directory(), "/run/" + place.Run()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	issue(t, place.Directory(), map[string]x509.ExtKeyUsage{"server": x509.ExtKeyUsageServerAuth, "client": x509.ExtKeyUsageClientAuth})
	server, client := &running{t: t}, &running{t: t}
	t.Cleanup(func() { _, _ = server.StopUnit(ctx, ""), client.StopUnit(ctx, "") })
	keys := fmt.Sprintf("ca %[1]s/ca.crt\ncert %[1]s/%%[1]s.crt\nkey %[1]s/%%[1]s.key\ndev-type tun\ndisable-dco\nverb 2\n", place.Directory())
	for path, text := range map[string]string{
		place.Directory() + "/server.conf": fmt.Sprintf(keys, "server") + "dev tun-s\ndh none\nlocal 127.0.0.1\nport 11940\nserver 10.8.0.0 255.255.255.0\ntopology net30\nkeepalive 1 4\n",
		place.Config():                     fmt.Sprintf(keys, "client") + "client\ndev tun-hq\nremote 127.0.0.1 11940\nnobind\nroute 10.77.0.0 255.255.0.0\nconnect-retry 1 1\nmanagement " + place.Management() + " unix\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server.start(place.Directory() + "/server.conf")
	v := Verbs{Connect: func(context.Context) (Manager, error) { return client, nil }, Patience: time.Minute}
	wish := Connection{Dev: resource.Ptr("tun-hq"), Routes: []netip.Prefix{netip.MustParsePrefix("10.77.0.0/16")}}
	look := func(want *Connection) *Connection {
		t.Helper()
		seen, err := v.Observe(ctx, map[string]*Connection{"hq": want})
		if err != nil {
			t.Fatal(err)
		}
		return seen["hq"]
	}
	apply := func(want Connection) {
		t.Helper()
		if err := v.Apply(ctx, []resource.Item[Connection]{{Name: "hq", Want: want}}); err != nil {
			t.Fatal(err)
		}
	}
	if look(&wish) != nil {
		t.Error("it is there before it begins")
	}
	apply(wish)
	if s := look(nil).Tunnels()[0]; !s.Up || s.Peer != "127.0.0.1:11940" || len(s.Local) != 1 || strings.Join(s.Remote, " ") != "10.77.0.0/16" || s.In == 0 || s.Since.IsZero() {
		t.Errorf("%+v", s)
	}
	for _, c := range []struct {
		what, why string
		harm      []string
	}{
		{"its route", "there is no route to 10.77.0.0/16 through tun-hq", []string{"ip", "route", "del", "10.77.0.0/16"}},
		{"its address", "is gone from tun-hq", []string{"ip", "addr", "flush", "dev", "tun-hq"}},
		{"its interface", "is switched off", []string{"ip", "link", "set", "tun-hq", "down"}},
		{"its process", "hangs", []string{"kill", "-STOP", "PID"}},
		{"its end", "does not run", []string{"kill", "-KILL", "PID"}},
	} {
		for i := range c.harm {
			c.harm[i] = strings.ReplaceAll(c.harm[i], "PID", fmt.Sprint(client.cmd.Process.Pid))
		}
		if out, err := exec.Command(c.harm[0], c.harm[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", c.what, err, out)
		}
		for c.harm[0] == "kill" && !stopped(client.cmd.Process.Pid) && ctx.Err() == nil { // a signal takes its time
			if state, _ := client.ActiveState(ctx, ""); state == "failed" {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if got := look(&wish); *got.Connected || !strings.Contains(*got.Down, c.why) {
			t.Errorf("%s: connected %v, %s", c.what, *got.Connected, resource.Or(got.Down, ""))
		}
		apply(wish)
	}
	// The server gives it an address of where this host is already.
	for _, args := range []string{"link add lan type veth peer name far", "addr add 10.8.0.5/24 dev lan"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", args, err, out)
		}
	}
	const why = "overlaps with 10.8.0.0/24, the network of lan"
	if got := look(&wish); *got.Connected || !strings.Contains(*got.Down, why) {
		t.Errorf("with an address of lan: connected %v, %s", *got.Connected, resource.Or(got.Down, ""))
	}
	if err := v.Apply(ctx, []resource.Item[Connection]{{Name: "hq", Want: wish}}); err == nil || !strings.Contains(err.Error(), why) || client.cmd != nil {
		t.Errorf("it goes on with an address of lan: %v", err)
	}
	for range 2 {
		if err := v.Remove(ctx, []string{"hq"}); err != nil {
			t.Fatal(err)
		}
	}
	if look(nil) != nil || look(&wish) != nil {
		t.Error("it was taken away, and is there")
	}
}
