// Package importing is the command vpnd import: what is configured elsewhere becomes
// a configuration of vpnd.
package importing

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// A Session is where the command reads and writes, and what it knows of the host.
type Session struct {
	In        io.Reader
	Out, Err  io.Writer
	Asks      func() bool                       // somebody is there who answers
	Read      func(path string) ([]byte, error) // a file, or standard input as -, within bounds
	Here      func() Host
	Directory func() string // that files go to where nobody says
}

// A Host is what an import fills in where nobody says it.
type Host struct {
	Uplink    string       // the interface of the default route, empty where there is none
	Addresses []netip.Addr // its own
}

// Command is vpnd import.
func Command(s *Session) *cobra.Command {
	c := &cobra.Command{Use: "import", Short: "Write a configuration for what is configured elsewhere"}
	c.AddCommand(awsCommand(s))
	return c
}

// ask asks for networks until some are typed that can be read.
func (s *Session) ask(lines *bufio.Scanner, question string) ([]netip.Prefix, error) {
	for {
		_, _ = fmt.Fprintf(s.Err, "%s ", question)
		if !lines.Scan() {
			return nil, errors.Join(errors.New("nothing was answered"), lines.Err())
		}
		networks, err := prefixes(strings.FieldsFunc(lines.Text(), func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }))
		if err == nil && len(networks) > 0 {
			return networks, nil
		}
		if err != nil {
			_, _ = fmt.Fprintln(s.Err, err)
		}
	}
}

// prefixes reads networks as people write them.
func prefixes(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no network as CIDR; write it as in 172.31.0.0/16", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// exposed warns of a file with secrets that others may read.
func (s *Session) exposed(path string) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		_, _ = fmt.Fprintf(s.Err, "vpnd: others can read the keys in %s, which has mode %04o; take it away once it is imported, as in: shred -u %[1]s\n", path, info.Mode().Perm())
	}
}
