package tlscrypt

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/resource"
)

// known makes a list of keys below a root out of what stands there.
func known(t *testing.T, s *derived.Scene, stands string, keys ...string) string {
	t.Helper()
	made, err := list(s, []byte(stands), TLSCryptV2List{Server: resource.Ptr("/server.key"), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

// A list holds those who may come in and nobody else, whatever stood in it. Whose key
// is lost on the host stays in as he was, and whose key was made anew comes in with
// that alone.
func TestWhoseKeysAreKnown(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(root+"/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name string, data []byte, err error) {
		t.Helper()
		if err == nil {
			err = os.WriteFile(filepath.Join(root, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"etc/passwd", "etc/group"} {
		put(file, nil, nil)
	}
	server, err := makeV2Server(rand.Reader)
	put("server.key", server, err)
	key, err := parseV2Server(server)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"client-alice.key", "client-bob.key"} {
		made, err := makeV2Client(rand.Reader, key)
		put(name, made, err)
	}
	stranger, err := makeV2Client(rand.Reader, v2Key{encrypt: make([]byte, 32), authenticate: make([]byte, 32)})
	put("client-eve.key", stranger, err)
	s, err := derived.Host{Root: root, Clock: time.Now}.Scene()
	if err != nil {
		t.Fatal(err)
	}
	both := known(t, s, "", "/client-alice.key", "/client-bob.key", "/client-eve.key")
	lines := strings.Split(strings.TrimSpace(both), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "#") || strings.Contains(both, "eve") {
		t.Fatalf("%q", both)
	}
	bob := known(t, s, both, "/client-bob.key")
	if strings.Contains(bob, "alice") || !strings.Contains(both, strings.Split(bob, "\n")[1]) {
		t.Errorf("without alice: %q", bob)
	}
	if err := os.Remove(root + "/client-bob.key"); err != nil {
		t.Fatal(err)
	}
	if lost := known(t, s, both, "/client-alice.key", "/client-bob.key"); lost != both {
		t.Errorf("a lost file shuts its owner out: %q", lost)
	}
	if lost := known(t, s, "", "/client-bob.key"); strings.Contains(lost, "bob") {
		t.Errorf("whose key nobody has is known: %q", lost)
	}
	made, err := makeV2Client(rand.Reader, key)
	put("client-bob.key", made, err)
	if anew := known(t, s, both, "/client-alice.key", "/client-bob.key"); strings.Contains(anew, strings.Split(bob, "\n")[1]) || strings.Count(anew, "bob") != 1 {
		t.Errorf("after a new key: %q, before %q", anew, both)
	}
	if err := os.Remove(root + "/server.key"); err != nil {
		t.Fatal(err)
	}
	if _, err := list(s, []byte(both), TLSCryptV2List{Server: resource.Ptr("/server.key")}); err == nil {
		t.Error("without the server's key there is a list")
	}
}

// Nobody but a person makes anew what voids a profile.
func TestWhatANewKeyOfAClientVoids(t *testing.T) {
	v := NewTLSCryptV2Keys(derived.Host{})
	server, yes := resource.Ptr("/server.key"), resource.Ptr(true)
	if says := v.Voids(nil, &TLSCryptV2Key{Server: server}); says != "" {
		t.Errorf("any key that the server wrapped is as good: %q", says)
	}
	if says := v.Voids(nil, &TLSCryptV2Key{Server: server, Listed: yes}); says == "" {
		t.Error("a new key is not on the list, and its owner is shut out unnoticed")
	}
	if says := v.Voids(&TLSCryptV2Key{Current: yes}, &TLSCryptV2Key{Server: server, Listed: yes}); says != "" {
		t.Errorf("a key that stands: %q", says)
	}
}
