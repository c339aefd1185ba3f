package vici

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// charon is one that refuses to terminate, and lists SAs of these numbers.
func charon(t *testing.T, ids ...string) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "vici")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			head := make([]byte, 4)
			if _, err := io.ReadFull(conn, head); err != nil {
				return
			}
			packet := make([]byte, binary.BigEndian.Uint32(head))
			if _, err := io.ReadFull(conn, packet); err != nil {
				return
			}
			switch packet[0] {
			case 3, 4: // an event is to be heard of, or no longer
				send(conn, []byte{5})
			case 0:
				answer(conn, string(packet[2:2+packet[1]]), ids)
			}
		}
	}()
	return socket
}

func answer(w io.Writer, command string, ids []string) {
	if command == "terminate" {
		send(w, append([]byte{1}, append(pair("success", "no"), pair("errmsg", "terminating SA failed")...)...))
		return
	}
	for _, id := range ids {
		event := append([]byte{7, byte(len("list-sa"))}, "list-sa"...)
		event = append(append(event, 1, 2), "dc"...)
		event = append(append(event, pair("uniqueid", id)...), 2)
		send(w, event)
	}
	send(w, []byte{1})
}

func pair(key, value string) []byte {
	p := append([]byte{3, byte(len(key))}, key...)
	return append(binary.BigEndian.AppendUint16(p, uint16(len(value))), value...)
}

func send(w io.Writer, packet []byte) {
	_, _ = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(packet))), packet...))
}

// An SA that is gone has ended, whatever charon says of how; one that is not has not.
func TestTerminateOfWhatIsGone(t *testing.T) {
	for id, ends := range map[string]bool{"7": false, "9": true} {
		c, err := Dial(t.Context(), charon(t, "7", "8"))
		if err != nil {
			t.Fatal(err)
		}
		err = c.Terminate(t.Context(), id, time.Second)
		var refused *RefusedError
		if ends && err != nil || !ends && !errors.As(err, &refused) {
			t.Errorf("SA %s: %v", id, err)
		}
		c.Close()
	}
}
