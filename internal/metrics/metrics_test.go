package metrics

import (
	"bufio"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"
)

func TestText(t *testing.T) {
	got := string(Text([]Family{
		{Name: "x_total", Help: "A \\ and\na line.", Type: "counter", Samples: []Sample{{Labels: []string{"a", "q\"\\\n", "b", "\xff"}, Value: 3}, {Value: 0.25}}},
		{Name: "none", Type: "gauge"},
		{Name: "y", Help: "y", Type: "gauge", Samples: []Sample{{Value: 1.7e9}, {Value: math.Inf(1)}}},
	}))
	want := "# HELP x_total A \\\\ and\\na line.\n# TYPE x_total counter\nx_total{a=\"q\\\"\\\\\\n\",b=\"\uFFFD\"} 3\nx_total 0.25\n" +
		"# HELP y y\n# TYPE y gauge\ny 1.7e+09\ny +Inf\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// ask sends words to the server and returns its answer.
func ask(t *testing.T, s *Server, words string) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
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
	s, err := Listen("127.0.0.1:0", func() []byte { return []byte("x 1\n") })
	if err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]string{
		"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n": "HTTP/1.1 200 OK\r\nContent-Type: " + ContentType + "\r\nContent-Length: 4\r\nConnection: close\r\n\r\nx 1\n",
		"GET /metrics?a=b HTTP/1.0\n\n":                           "HTTP/1.1 200 OK",
		"HEAD /metrics HTTP/1.1\r\n\r\n":                          "HTTP/1.1 200 OK",
		"GET /secrets HTTP/1.1\r\n\r\n":                           "HTTP/1.1 404 Not Found",
		"POST /metrics HTTP/1.1\r\n\r\n":                          "HTTP/1.1 405 Method Not Allowed",
		"nonsense\r\n\r\n":                                        "HTTP/1.1 400 Bad Request",
		"GET / HTTP/1.1\r\n" + strings.Repeat("a", requestSize):   "HTTP/1.1 400 Bad Request",
	} {
		got := ask(t, s, words)
		if !strings.HasPrefix(got, want) {
			t.Errorf("%.40q is answered with %q", words, got)
		}
		if strings.HasPrefix(words, "HEAD") && strings.Contains(got, "x 1") {
			t.Errorf("HEAD is answered with a body: %q", got)
		}
	}
	idle, err := net.Dial("tcp", s.Addr().String()) // says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if got := ask(t, s, "GET /metrics HTTP/1.1\r\n\r\n"); !strings.Contains(got, "200 OK") {
		t.Errorf("beside a silent client: %q", got)
	}
	_ = s.Close()
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("it still answers")
	}
}

// Who connects and says nothing, more often than there is room for, does not keep
// the server from its end.
func TestCloseWaitsForNobody(t *testing.T) {
	s, err := listen("127.0.0.1:0", func() []byte { return []byte("x 1\n") }, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range mostAtOnce + 8 {
		idle, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
	}
	for deadline := time.Now().Add(30 * time.Second); len(s.slots) < mostAtOnce && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Close() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the end waits for those who say nothing")
	}
	if len(s.slots) > 0 {
		t.Error("somebody is still served")
	}
}
