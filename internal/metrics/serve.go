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
	requestTime = 5 * time.Second
	requestSize = 16 << 10
	mostAtOnce  = 8
)

// A Server answers GET /metrics with what its text function returns. It speaks
// as much of HTTP/1.1 (RFC 9112) as that takes: one request a connection.
type Server struct {
	listener net.Listener
	text     func() []byte
	wg       sync.WaitGroup
	slots    chan struct{}
}

// Listen begins to answer on an address. Close the server.
func Listen(address string, text func() []byte) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for scrapes of metrics: %w", err)
	}
	s := &Server{listener: listener, text: text, slots: make(chan struct{}, mostAtOnce)}
	s.wg.Go(s.accept)
	return s, nil
}

// Addr is the address it answers on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close ends the server and waits for requests under way.
func (s *Server) Close() error {
	err := s.listener.Close()
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
			time.Sleep(100 * time.Millisecond)
			continue
		}
		s.slots <- struct{}{}
		s.wg.Go(func() {
			defer func() { _ = conn.Close(); <-s.slots }()
			_ = conn.SetDeadline(time.Now().Add(requestTime))
			s.answer(conn)
		})
	}
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
