// Package hostkey is vpnd ssh-hostkey: it fetches the host keys of an SSH server and
// has a person compare them before anything is pinned. Whoever is in between while
// they are fetched shows keys of his own.
package hostkey

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	kindssh "vpnd/internal/kind/ssh"
)

// Streams is where the command reads and writes; Terminal says whether a person is
// there to be asked.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Terminal bool
}

// Command is the command.
func Command(s func() Streams) *cobra.Command {
	var fingerprint string
	c := &cobra.Command{
		Use:   "ssh-hostkey HOST[:PORT]",
		Short: "Show the host keys of an SSH server, to be compared and pinned",
		Long: `Fetches the host keys of an SSH server and shows them with their fingerprints, which
a person compares on that host, or by another way that can be trusted. After that
it writes the line for an ssh_tunnel block. Without a terminal it needs
--fingerprint, which must fit.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return run(c.Context(), s(), args[0], fingerprint)
		},
	}
	c.Flags().StringVar(&fingerprint, "fingerprint", "", "`SHA256:…` of the key, as the host itself tells it")
	return c
}

func run(ctx context.Context, s Streams, target, fingerprint string) error {
	address, err := dialled(target)
	if err != nil {
		return err
	}
	if fingerprint != "" && !strings.HasPrefix(fingerprint, "SHA256:") {
		return fmt.Errorf("%q is no fingerprint; write it as ssh-keygen -lf tells it, SHA256:…", fingerprint)
	}
	keys, err := Fetch(ctx, address)
	if err != nil {
		return err
	}
	if fingerprint != "" {
		for _, key := range keys {
			if ssh.FingerprintSHA256(key) == strings.TrimRight(fingerprint, "=") {
				return pin(s.Out, key)
			}
		}
		return fmt.Errorf("%s has no key with that fingerprint; it shows %s. Either that is another host, or somebody is in between", address, fingerprints(keys))
	}
	show(s.Err, address, keys)
	if !s.Terminal {
		return errors.New("nobody is there to compare them; give the one that the host itself tells, with --fingerprint SHA256:…")
	}
	_, _ = fmt.Fprint(s.Err, "\nAre they the same there? Type yes: ")
	answer, err := bufio.NewReader(s.In).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return errors.New("nothing is pinned")
	}
	return pin(s.Out, keys[0])
}

// dialled reads HOST or HOST:PORT.
func dialled(target string) (string, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(target, "["), "]"), "22"
	}
	if _, err := kindssh.ParseEnd(port, true); err != nil || !kindssh.Host(host) {
		return "", fmt.Errorf("%q is no host to dial; write a name or an address, with :PORT where it is not 22", target)
	}
	return net.JoinHostPort(host, port), nil
}

// show tells the keys, and how to compare them.
func show(w io.Writer, address string, keys []ssh.PublicKey) {
	_, _ = fmt.Fprintf(w, "%s shows these keys:\n\n", address)
	for _, key := range keys {
		_, _ = fmt.Fprintf(w, "  %-19s %s\n", key.Type(), ssh.FingerprintSHA256(key))
	}
	_, _ = fmt.Fprint(w, "\nSomebody in between would show others. Compare them with what that host itself tells, at\nits console or by another way that you trust:\n\n  for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done\n")
}

// pin writes the line of an ssh_tunnel block.
func pin(w io.Writer, key ssh.PublicKey) error {
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	if _, _, err := kindssh.ParsePublic(line); err != nil {
		return fmt.Errorf("the key can't be pinned: %w", err)
	}
	_, err := fmt.Fprintf(w, "host_key = %q\n", line)
	return err
}

func fingerprints(keys []ssh.PublicKey) string {
	var all []string
	for _, key := range keys {
		all = append(all, ssh.FingerprintSHA256(key))
	}
	return strings.Join(all, ", ")
}

// kinds of host keys, the best one first, with the algorithms that ask for them.
var kinds = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256},
	{ssh.KeyAlgoECDSA384},
	{ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

// patience is how long a server may take for one key.
const patience = 10 * time.Second

// errSeen ends a connection once its key was seen.
var errSeen = errors.New("seen")

// Fetch returns the host keys of the server at HOST:PORT, the best one first. Each
// is one that the server has proved to have the private half of.
func Fetch(ctx context.Context, address string) ([]ssh.PublicKey, error) {
	var keys []ssh.PublicKey
	var last error
	for _, algorithms := range kinds {
		key, err := fetch(ctx, address, algorithms)
		var refused *net.OpError
		switch {
		case key != nil:
			keys = append(keys, key)
		case errors.As(err, &refused) && refused.Op == "dial":
			return nil, fmt.Errorf("%s can't be reached: %w", address, refused.Err)
		default:
			last = err
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s shows no host key of a kind that can be pinned: %w", address, last)
	}
	return keys, nil
}

func fetch(ctx context.Context, address string, algorithms []string) (ssh.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	var seen ssh.PublicKey
	_, _, _, err = ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User:              "vpnd",
		HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen = key
			return errSeen
		},
	})
	return seen, err
}
