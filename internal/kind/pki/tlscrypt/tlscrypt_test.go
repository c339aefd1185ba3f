package tlscrypt

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/resource"
)

// A client's key that OpenVPN itself wrapped must open with ours, and the other
// way round the layout is the same to the byte.
func TestTLSCryptV2AgreesWithOpenVPN(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"passwd", "group"} {
		if err := os.WriteFile(filepath.Join(root, "etc", file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	genkey := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("openvpn", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	get := func(file string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	genkey("--genkey", "tls-crypt-v2-server", root+"/server.key")
	genkey("--tls-crypt-v2", root+"/server.key", "--genkey", "tls-crypt-v2-client", root+"/client.key")
	s, err := derived.Host{Root: root, Clock: time.Now}.Scene()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file   string
		server *string
	}{{"/server.key", nil}, {"/client.key", resource.Ptr("/server.key")}} {
		if ok, err := opensV2(s, get(c.file), c.server); err != nil || !ok {
			t.Errorf("%s of OpenVPN's own making: %v %v", c.file, ok, err)
		}
	}
	genkey("--genkey", "secret", root+"/ta.key")
	if !isStaticKey(get("/ta.key")) {
		t.Error("a static key of OpenVPN's own making isn't read")
	}
	genkey("--genkey", "auth-token", root+"/token.key")
	made, err := makeTokenKey(rand.Reader, nil)
	if theirs := get("/token.key"); err != nil || !isTokenKey(theirs) || !isTokenKey(made) || len(theirs) != len(made) {
		t.Errorf("a key of tokens of OpenVPN's own making, %d bytes, and one of ours, %d: %v", len(theirs), len(made), err)
	}
}
