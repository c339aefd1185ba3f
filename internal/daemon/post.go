package daemon

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
)

// post sends the event by HTTP/1.1 (RFC 9112), by hand since net/http would
// make the binary larger by a tenth. No redirect is followed and nothing of an
// answer but its status is read. An error names the host only: what follows it
// in an address is often a password.
func post(ctx context.Context, address string, event []byte) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the address of a notification can't be read")
	}
	conn, err := dial(ctx, u)
	if err != nil {
		return fmt.Errorf("reaching %s: %w", u.Host, err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: vpnd\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n", u.RequestURI(), u.Host, len(event))
	if _, err := conn.Write(append([]byte(head+authorization(u)+"\r\n"), event...)); err != nil {
		return fmt.Errorf("telling %s: %w", u.Host, err)
	}
	line, err := bufio.NewReader(io.LimitReader(conn, 4096)).ReadString('\n')
	if err != nil {
		return fmt.Errorf("telling %s: %w", u.Host, err)
	}
	if words := strings.Fields(line); len(words) < 2 || !strings.HasPrefix(words[1], "2") {
		return fmt.Errorf("%s answered %q", u.Host, strings.TrimSpace(line))
	}
	return nil
}

func dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	port := u.Port()
	if u.Scheme == "https" {
		if port == "" {
			port = "443"
		}
		d := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}}
		return d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	}
	if port == "" {
		port = "80"
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
}

// authorization is the header for a name and password in the address, RFC 7617.
func authorization(u *url.URL) string {
	if u.User == nil {
		return ""
	}
	password, _ := u.User.Password()
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)) + "\r\n"
}
