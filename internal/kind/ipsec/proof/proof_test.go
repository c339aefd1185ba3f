package proof

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/nettest"
)

func TestMain(m *testing.M) { nettest.MainAt(m, labtest.Roots, "/run") }

func connection(name, proposal, ts string) *swanctl.Section {
	s := &swanctl.Section{Name: name}
	s.Set("version", "2")
	s.Set("remote_addrs", "127.0.0.1")
	s.Set("proposals", proposal)
	s.Add("local").Set("auth", "psk")
	remote := s.Add("remote")
	remote.Set("auth", "psk")
	remote.Set("cacerts", "/etc/swanctl/x509ca/none.pem")
	child := s.Add("children").Add("net")
	child.Set("local_ts", ts)
	child.Set("start_action", "start")
	return s
}

func nothing(path string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func TestOneCharonJudgesAll(t *testing.T) {
	nettest.Need(t)
	c := new(Cache)
	good := connection("good", "aes256gcm16-prfsha384-ecp384", "10.1.0.0/16")
	c.Expect(func() (all []*swanctl.Section) {
		for i := range 200 {
			all = append(all, connection(fmt.Sprintf("c%d", i), "aes256gcm16-prfsha384-ecp384", "10.1.0.0/16"))
		}
		return all
	})
	began := time.Now()
	if err := c.Ask(t.Context(), good, nothing); err != nil {
		t.Fatal(err)
	}
	first := time.Since(began)
	for i := range 200 {
		if err := c.Ask(t.Context(), connection(fmt.Sprintf("c%d", i), "aes256gcm16-prfsha384-ecp384", "10.1.0.0/16"), nothing); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("201 connections are proved in %s, and known after it in %s", first, time.Since(began)-first)
	if again := time.Since(began) - first; again > first {
		t.Errorf("what is known takes %s, after %s for what was not", again, first)
	}
	for bad, want := range map[*swanctl.Section]string{
		connection("bad", "aes256gcm16-group14", "10.1.0.0/16"):         "invalid value for: proposals",
		connection("worse", "aes256gcm16-prfsha384-ecp384", "nonsense"): "invalid value for: local_ts",
	} {
		if err := c.Ask(t.Context(), bad, nothing); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad.Name, err, want)
		}
	}
	if left, _ := filepath.Glob("/run/charon*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWhatAKilledProcessLeftIsSweptAway(t *testing.T) {
	nettest.Need(t)
	dead, alive := prefix+"999999999-1.conf", fmt.Sprintf("%s%d-9.vici", prefix, os.Getppid())
	for _, file := range []string{dead, alive} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Remove(alive)
	sweep()
	if _, err := os.Stat(dead); err == nil {
		t.Error("what a killed process left is there")
	}
	if _, err := os.Stat(alive); err != nil {
		t.Error("what another process uses is gone")
	}
}
