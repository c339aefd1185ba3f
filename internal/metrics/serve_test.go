package metrics

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// one tells of one thing.
func one() prometheus.Gatherer {
	r := prometheus.NewRegistry()
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "x", Help: "x"}, func() float64 { return 1 }))
	return r
}

// ask sends words to the server and returns its answer.
func ask(t *testing.T, s *server, words string) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, words); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(bufio.NewReader(conn))
	return string(answer)
}

func TestServer(t *testing.T) {
	s, err := listen("127.0.0.1:0", one(), headTime)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for words, want := range map[string]string{
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n":            "HTTP/1.1 200 OK",
		"GET /metrics?a=b HTTP/1.0\n\n":                                              "HTTP/1.0 200 OK",
		"GET /metrics HTTP/1.1\r\nHost: 127.9.9.9:1\r\n\r\n":                         "HTTP/1.1 200 OK",
		"GET /metrics HTTP/1.1\r\nHost: [::1]:9586\r\n\r\n":                          "HTTP/1.1 200 OK",
		"GET /metrics HTTP/1.1\r\nHost: LocalHost.:9586\r\n\r\n":                     "HTTP/1.1 200 OK",
		"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n":                          "HTTP/1.1 200 OK",
		"GET /secrets HTTP/1.1\r\nHost: localhost\r\n\r\n":                           "HTTP/1.1 404 Not Found",
		"POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n":                          "HTTP/1.1 405 Method Not Allowed",
		"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n":                        "HTTP/1.1 421 Misdirected Request",
		"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example:80\r\n\r\n":           "HTTP/1.1 421",
		"GET /metrics HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n":              "HTTP/1.1 421",
		"GET /metrics HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n":                           "HTTP/1.1 421",
		"GET /metrics HTTP/1.1\r\n\r\n":                                              "HTTP/1.1 400 Bad Request",
		"nonsense\r\n\r\n":                                                           "HTTP/1.1 400 Bad Request",
		"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + strings.Repeat("a", 2*headSize): "HTTP/1.1 431",
	} {
		got := ask(t, s, words)
		if !strings.HasPrefix(got, want) {
			t.Errorf("%.60q is answered with %q", words, got)
		}
		if told := strings.HasSuffix(got, "\r\n\r\n# HELP x x\n# TYPE x gauge\nx 1\n"); told != (strings.Contains(want, "200") && words[:4] != "HEAD") {
			t.Errorf("%.60q is answered with the metrics, or not: %q", words, got)
		}
		if strings.Contains(want, "200") && (!strings.Contains(got, "Content-Type: text/plain; version=0.0.4") || !strings.Contains(got, "nosniff")) {
			t.Errorf("%q", got)
		}
	}
	idle, err := net.Dial("tcp", s.addr().String()) // says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if got := ask(t, s, "GET /metrics HTTP/1.0\r\n\r\n"); !strings.Contains(got, "200 OK") {
		t.Errorf("beside a silent client: %q", got)
	}
	_ = s.close()
	if _, err := net.Dial("tcp", s.addr().String()); err == nil {
		t.Error("it still answers")
	}
}

// Who says nothing is cut off, and so is who comes while too many are there.
func TestSilentOnesAreCutOff(t *testing.T) {
	s, err := listen("127.0.0.1:0", one(), 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for range 2 * mostAtOnce {
		idle, err := net.Dial("tcp", s.addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
		_ = idle.SetDeadline(time.Now().Add(30 * time.Second))
		defer func() {
			if _, err := io.ReadAll(idle); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("it is still served: %v", err)
			}
		}()
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(conn, "GET /metrics HTTP/1.0\r\n\r\n")
		got, _ := io.ReadAll(conn)
		conn.Close()
		if strings.Contains(string(got), "200 OK") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the silent ones keep everybody else out")
		}
	}
}

// Who connects and says nothing, more often than there is room for, does not keep
// the server from its end.
func TestCloseWaitsForNobody(t *testing.T) {
	s, err := listen("127.0.0.1:0", one(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range mostAtOnce + 8 {
		idle, err := net.Dial("tcp", s.addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
	}
	ended := make(chan error, 1)
	go func() { ended <- s.close() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the end waits for those who say nothing")
	}
}
