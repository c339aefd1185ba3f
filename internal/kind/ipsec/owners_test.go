package ipsec

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/resource"
)

// impostor is a charon in a network of its own, at 192.0.2.2, that says it is somebody
// and proves it by a key; try says whether the one of the test, at 192.0.2.1, takes it
// for whom it says it is, and whether it proves by that key too that it is the hub.
func impostor(t *testing.T) (try func(id, key string) (taken, answered bool, said string)) {
	t.Helper()
	const socket = "/run/charon.peer.vici"
	dir := t.TempDir()
	conf, charon := filepath.Join(dir, "strongswan.conf"), exec.Command("unshare", "-n", "/usr/sbin/charon-systemd")
	text := "charon { load_modular = yes\n install_routes = no\n plugins { include /etc/strongswan.d/charon/*.conf\n vici { load = yes\n socket = unix://" + socket + " } } }\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	charon.Dir = "/"
	charon.Env = append(os.Environ(), "STRONGSWAN_CONF="+conf)
	charon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := charon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = charon.Process.Kill(); _ = charon.Wait(); _ = os.Remove(socket) })
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := vici.Dial(t.Context(), socket); err == nil {
			conn.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("the peer's charon does not answer")
		}
	}
	sh := func(line string) {
		if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	sh(fmt.Sprintf(`ip link add near0 type veth peer name far0 && ip link set far0 netns %d && ip addr add 192.0.2.1/24 dev near0 && ip link set near0 up &&
		nsenter -t %[1]d -n sh -c 'ip addr add 192.0.2.2/24 dev far0 && ip link set far0 up'`, charon.Process.Pid))
	return func(id, key string) (taken, answered bool, said string) {
		file := filepath.Join(dir, "peer.conf")
		text := fmt.Sprintf(`connections { hub { version = 2
			local_addrs = 192.0.2.2
			remote_addrs = 192.0.2.1
			proposals = aes256gcm16-prfsha384-ecp384
			local { auth = psk
				id = %[1]s }
			remote { auth = psk
				id = hub } } }
			secrets { ike-hub { id-1 = hub
				secret = "%[2]s" } }
			`, id, key)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		uri := "--uri unix://" + socket
		sh("swanctl --load-all --noprompt --clear " + uri + " --file " + file + " >/dev/null")
		out, err := exec.Command("sh", "-c", "swanctl --initiate --ike hub --timeout 20 "+uri).CombinedOutput()
		sh("swanctl --terminate --ike hub --force --timeout 5 " + uri + " >/dev/null 2>&1 || true")
		return strings.Contains(string(out), "IKE_AUTH response 1 [ IDr AUTH"), err == nil, string(out)
	}
}

// The key of one peer proves that it is that one, and that this side is whom it calls:
// who has it can't say to be another peer of this host, nor is another peer answered by it.
func TestAKeyProvesOnePeer(t *testing.T) {
	v, _ := host(t)
	try := impostor(t)
	keys := map[string]string{"a": "the key of the peer a alone", "b": "the key of the peer b alone", "z": "that of whom nobody knows"}
	wants := make(map[string]*Connection)
	for id, key := range keys {
		wants["to-"+id] = resource.Ptr(tunnel(func(c *Connection) {
			c.RemoteAddrs, c.Local.ID, c.Remote.ID, c.PSK = []string{"%any"}, resource.Ptr("hub"), &id, resource.NewSecret(key)
			if id == "z" {
				c.Remote.ID = resource.Ptr("%any")
			}
		}))
	}
	normal, err := v.Normalize(t.Context(), wants)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range normal {
		if err := v.Apply(t.Context(), []resource.Item[Connection]{{Name: name, Want: *want}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		id, key string
		taken   bool
	}{{"a", "a", true}, {"b", "b", true}, {"stranger", "z", true}, {"a", "b", false}, {"b", "a", false}, {"stranger", "a", false}} {
		if taken, answered, said := try(c.id, keys[c.key]); taken != c.taken || answered != c.taken {
			t.Errorf("%s with the key of %s: taken is %v, answered %v: %s", c.id, c.key, taken, answered, strings.TrimSpace(said))
		}
	}
}
