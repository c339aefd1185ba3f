package openvpn

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// answering is a client that says what OpenVPN 2.6.14 was seen to say.
func answering(t *testing.T, answers map[string]string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n")
			for lines := bufio.NewScanner(c); lines.Scan() && lines.Text() != "quit"; {
				answer, ok := answers[lines.Text()]
				if !ok {
					break // as one that ends
				}
				fmt.Fprint(c, strings.ReplaceAll(answer, "\n", "\r\n"))
			}
			c.Close()
		}
	}()
	return socket
}

const stats = "OpenVPN STATISTICS\nUpdated,2026-11-29 02:11:12\nTUN/TAP read bytes,96\nTUN/TAP write bytes,48\nTCP/UDP read bytes,2406\nTCP/UDP write bytes,2432\nAuth read bytes,48\nEND\n"

func TestHowAClientStands(t *testing.T) {
	ctx := t.Context()
	up, err := Stand(ctx, answering(t, map[string]string{
		"state 20": "1795918267,WAIT,,,,,,\n1795918267,AUTH,,,,,,\n1795918267,CONNECTED,SUCCESS,10.8.0.2,192.0.2.1,1194,,,fd00:8::2\nEND\n", "status 2": stats,
	}), 80)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintln(up.State, up.Detail, up.Answered, up.Since, up.Local, up.Peer, up.In, up.Out, up.Log); got != "CONNECTED SUCCESS false 2026-11-29 02:11:07 +0000 UTC [10.8.0.2 fd00:8::2] 192.0.2.1:1194 2406 2432 []\n" {
		t.Error(got)
	}
	down, err := Stand(ctx, answering(t, map[string]string{
		"state 20": "1795918267,CONNECTED,SUCCESS,10.8.0.2,2001:db8::1,1194,,\n1795918300,AUTH,,,,,,\n1795918333,RECONNECTING,tls-error,,,,,\nEND\n", "status 2": stats,
		"log 80": "1795918333,,VERIFY OK: depth=0, CN=server\n1795918333,N,TLS Error: TLS handshake failed\nEND\n",
	}), 80)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s %s %v %q", down.State, down.Detail, down.Answered, down.Log); got != `RECONNECTING tls-error true ["VERIFY OK: depth=0, CN=server" "TLS Error: TLS handshake failed"]` {
		t.Error(got)
	}
	for what, one := range map[string]struct {
		socket string
		want   error
	}{
		"nobody":      {filepath.Join(t.TempDir(), "none"), ErrDown},
		"it ends":     {answering(t, nil), ErrDown},
		"it is mute":  {answering(t, map[string]string{"state 20": ""}), ErrSilent},
		"it is short": {answering(t, map[string]string{"state 20": "x\nEND\n", "status 2": "END\n", "log 80": "END\n"}), nil},
	} {
		if _, err := Stand(ctx, one.socket, 80); !errors.Is(err, one.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
