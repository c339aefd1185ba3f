package metrics

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Bounds of one request: nobody may keep the server busy.
const (
	headTime    = 2 * time.Second // to say what is asked for; one that says nothing is soon gone
	requestTime = 5 * time.Second
	requestSize = 16 << 10
	mostAtOnce  = 32
)

// A Server answers GET /metrics with what its text function returns. It speaks
// as much of HTTP/1.1 (RFC 9112) as that takes: one request a connection.
type Server struct {
	listener net.Listener
	text     func() []byte
	patience time.Duration // with those who say nothing
	wg       sync.WaitGroup
	slots    chan struct{}
	closed   chan struct{}

	mu    sync.Mutex
	conns map[net.Conn]bool // that are open; nil once the server is closed
}

// Listen begins to answer on an address. Close the server.
func Listen(address string, text func() []byte) (*Server, error) {
	return listen(address, text, headTime)
}

func listen(address string, text func() []byte, patience time.Duration) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for scrapes of metrics: %w", err)
	}
	s := &Server{
		listener: listener, text: text, patience: patience, slots: make(chan struct{}, mostAtOnce),
		closed: make(chan struct{}), conns: make(map[net.Conn]bool),
	}
	s.wg.Go(s.accept)
	return s, nil
}

// Addr is the address it answers on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close ends the server at once. Connections are cut off, so that nobody who
// says nothing and goes on holding one keeps the caller waiting.
func (s *Server) Close() error {
	close(s.closed)
	err := s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of file descriptors, or a peer that was gone at once
			select {
			case <-s.closed:
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		select {
		case s.slots <- struct{}{}:
			s.wg.Go(func() { s.serve(conn); <-s.slots })
		case <-s.closed:
			_ = conn.Close()
		}
	}
}

// serve answers one connection, unless the server is closed already.
func (s *Server) serve(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	if s.conns == nil {
		s.mu.Unlock()
		return
	}
	s.conns[conn] = true
	s.mu.Unlock()
	begun := time.Now()
	_ = conn.SetReadDeadline(begun.Add(s.patience))
	_ = conn.SetWriteDeadline(begun.Add(requestTime))
	s.answer(conn)
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}

// answer reads one request and answers it. What goes wrong is the scraper's to
// see.
func (s *Server) answer(conn net.Conn) {
	method, path, err := request(bufio.NewReader(io.LimitReader(conn, requestSize)))
	switch {
	case err != nil:
		respond(conn, "400 Bad Request", "text/plain", []byte("no request that could be read\n"), true)
	case method != "GET" && method != "HEAD":
		respond(conn, "405 Method Not Allowed\r\nAllow: GET, HEAD", "text/plain", []byte("only GET is answered\n"), true)
	case path != "/metrics":
		respond(conn, "404 Not Found", "text/plain", []byte("figures are at /metrics\n"), method == "GET")
	default:
		respond(conn, "200 OK", ContentType, s.text(), method == "GET")
	}
}

// request reads a request up to the end of its head.
func request(r *bufio.Reader) (method, path string, err error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", "", err
	}
	words := strings.Fields(line)
	if len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/1.") {
		return "", "", errors.New("no HTTP/1 request")
	}
	for {
		header, err := r.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		if strings.TrimRight(header, "\r\n") == "" {
			path, _, _ = strings.Cut(words[1], "?")
			return words[0], path, nil
		}
	}
}

func respond(w io.Writer, status, contentType string, body []byte, whole bool) {
	head := fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", status, contentType, len(body))
	if !whole {
		body = nil
	}
	_, _ = w.Write(append([]byte(head), body...))
}
