package importing

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"vpnd/internal/config/diag"
	"vpnd/internal/importer"
	"vpnd/internal/vpn/aws/document"
)

// flags are what the command line says of a connection.
type flags struct {
	out, name, connection, uplink, address, credentials string
	local, remote                                       []string
}

func awsCommand(s *Session) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "aws-vpn FILE",
		Short: "Write the block for an AWS Site-to-Site VPN from its downloaded configuration",
		Long: `Write an aws_vpn block from the configuration of an AWS Site-to-Site VPN: the XML,
what aws ec2 describe-vpn-connections says (which knows most), or the Generic text
of the console. FILE may be - for standard input.

The configuration goes beside the block, for root alone to read; with --credentials,
the pre-shared keys go apart from it, as credentials of systemd. What is there
already is not overwritten.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return s.aws(args[0], f) },
	}
	c.Flags().StringVar(&f.out, "out", "", "`DIR` to write to (default that of the configuration)")
	c.Flags().StringVar(&f.name, "name", "vpc", "`NAME` of the block and of the files")
	c.Flags().StringVar(&f.connection, "connection", "", "`ID` of the connection, where the file has several")
	c.Flags().StringVar(&f.uplink, "uplink", "", "`INTERFACE` to the internet (default that of the default route)")
	c.Flags().StringVar(&f.address, "local-address", "", "`ADDRESS` of this host to bind to")
	c.Flags().StringSliceVar(&f.local, "local-network", nil, "`CIDR` of a network on this side; may be repeated")
	c.Flags().StringSliceVar(&f.remote, "remote-network", nil, "`CIDR` of a network of the VPC; may be repeated")
	c.Flags().StringVar(&f.credentials, "credentials", "", "`DIR` for the keys as credentials of systemd, as in /etc/credstore")
	for _, name := range []string{"out", "credentials"} {
		_ = c.MarkFlagDirname(name)
	}
	return c
}

func (s *Session) aws(path string, f flags) error {
	data, err := s.Read(path)
	if err != nil {
		return err
	}
	if ids := document.IDs(string(data)); f.connection == "" && len(ids) > 1 {
		return fmt.Errorf("%s holds %s; say which with --connection ID", path, diag.Enumerate(ids, "and"))
	}
	a, err := importer.ReadAWS(string(data), f.connection)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := s.fill(a, f); err != nil {
		return err
	}
	files, err := a.Files()
	if err != nil {
		return err
	}
	if err := importer.Write(files); err != nil {
		return err
	}
	s.exposed(path)
	s.tell(a, files)
	return nil
}

// fill says what the document does not: by the flags, by what this host shows, and by
// asking who is there.
func (s *Session) fill(a *importer.AWS, f flags) error {
	here := s.Here()
	a.Name, a.Credentials = f.name, f.credentials
	a.Directory = cmp.Or(f.out, s.Directory())
	a.Uplink, a.Guess = cmp.Or(f.uplink, here.Uplink), f.uplink == ""
	if a.Uplink == "" {
		return errors.New("this host has no default route by which the interface to the internet could be told; name it with --uplink")
	}
	if f.address != "" {
		addr, err := netip.ParseAddr(f.address)
		if err != nil {
			return fmt.Errorf("--local-address %q is no IP address", f.address)
		}
		a.LocalAddress = addr
	} else if slices.Contains(here.Addresses, a.Connection.Outside) {
		a.LocalAddress = a.Connection.Outside
	}
	return s.networks(a, f)
}

// networks takes those of both sides, asking for what nobody said.
func (s *Session) networks(a *importer.AWS, f flags) error {
	lines := bufio.NewScanner(s.In)
	for _, side := range []struct {
		of                   *[]netip.Prefix
		given                []string
		flag, question, what string
	}{
		{&a.Local, f.local, "--local-network", "Networks on this side, as in 192.168.40.0/24:", "which networks are on this side"},
		{&a.Remote, f.remote, "--remote-network", "Networks of the VPC, as in 172.31.0.0/16:", "which networks the VPC has"},
	} {
		given, err := prefixes(side.given)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", side.flag, err)
		case len(given) > 0:
			*side.of = given
		case len(*side.of) > 0:
		case s.Asks():
			if *side.of, err = s.ask(lines, side.question); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the file does not say %s, and nobody is there to ask; name them with %s CIDR", side.what, side.flag)
		}
	}
	return nil
}

// tell says what was written and what is next.
func (s *Session) tell(a *importer.AWS, files []importer.File) {
	for _, f := range files {
		secret := ""
		if f.Secret {
			secret = " (0600)"
		}
		_, _ = fmt.Fprintf(s.Out, "Wrote %s%s\n", f.Path, secret)
	}
	if a.Guess {
		_, _ = fmt.Fprintf(s.Err, "vpnd: the uplink is %s, that of the default route; where the tunnels leave by another one, change it\n", a.Uplink)
	}
	if a.Credentials != "" || a.Keyless() {
		directory := cmp.Or(a.Credentials, "/etc/credstore")
		if whole, err := filepath.Abs(directory); err == nil { // systemd takes no other
			directory = whole
		}
		_, _ = fmt.Fprintf(s.Err, "vpnd: the keys are credentials of systemd. Let vpnd.service have them, by a drop-in:\n\n  [Service]\n")
		for i := range a.Connection.Tunnels {
			_, _ = fmt.Fprintf(s.Err, "  LoadCredential=%s:%s\n", a.Credential(i), filepath.Join(directory, a.Credential(i)))
		}
		_, _ = fmt.Fprintf(s.Err, "\nand commands too, as in: CREDENTIALS_DIRECTORY=%s vpnd plan\n", directory)
	}
	if a.Keyless() {
		_, _ = fmt.Fprintf(s.Err, "vpnd: the file lacks keys of this connection; Amazon may keep them in Secrets Manager. Put them there yourself, each in its file of mode 0600\n")
	}
	_, _ = fmt.Fprintf(s.Out, "Read %s, then: vpnd plan --config %s\n", files[0].Path, a.Directory)
}
