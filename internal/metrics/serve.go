package metrics

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// Bounds of one request: nobody may keep the server busy.
const (
	headTime   = 2 * time.Second // to say what is asked for; one that says nothing is soon gone
	answerTime = 5 * time.Second
	headSize   = 16 << 10
	mostAtOnce = 32
)

// A server answers GET /metrics, one request a connection.
type server struct {
	listener net.Listener
	http     *http.Server
	ended    chan struct{}
}

// listen begins to answer on an address; who says nothing for that long is cut
// off. Close the server.
func listen(address string, g prometheus.Gatherer, patience time.Duration) (*server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for scrapes of metrics: %w", err)
	}
	s := &server{listener: listener, ended: make(chan struct{})}
	s.http = &http.Server{
		Handler:           s.handler(g),
		ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: answerTime, MaxHeaderBytes: headSize,
		ConnState: atMost(mostAtOnce),
		ErrorLog:  log.New(io.Discard, "", 0), // what goes wrong is the scraper's to see
	}
	s.http.SetKeepAlivesEnabled(false)
	go func() {
		defer close(s.ended)
		_ = s.http.Serve(listener)
	}()
	return s, nil
}

func (s *server) addr() net.Addr { return s.listener.Addr() }

// close ends the server at once. Connections are cut off, so that nobody who
// says nothing and goes on holding one keeps the caller waiting.
func (s *server) close() error {
	err := s.http.Close()
	<-s.ended
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// atMost cuts off who comes while as many are served already.
func atMost(most int) func(net.Conn, http.ConnState) {
	var mu sync.Mutex
	open := make(map[net.Conn]bool)
	return func(conn net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			if open[conn] = true; len(open) > most {
				_ = conn.Close()
			}
		case http.StateClosed, http.StateHijacked:
			delete(open, conn)
		}
	}
}

func (s *server) handler(g prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		told, err := text(g)
		if len(told) == 0 && err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
		_, _ = w.Write(told) // a scraper that has gone is not to be told
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "metrics are at /metrics", http.StatusNotFound)
	})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET is answered", http.StatusMethodNotAllowed)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if s.local() && !isLocal(r.Host) {
			http.Error(w, "this answers to localhost and to addresses of the loopback interface only, as metrics.listen of the vpnd block has it", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// local says whether only this host reaches the server.
func (s *server) local() bool {
	addr, ok := s.addr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// isLocal says whether a request was made to this host by a name that nobody else
// can give it. A browser that was told elsewhere that evil.example is 127.0.0.1
// would else hand the metrics to that page (DNS rebinding). Tools that say no host
// (HTTP/1.0) are no browser.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	addr, err := netip.ParseAddr(host)
	return host == "" || strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}
