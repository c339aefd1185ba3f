package passphrase

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

// ErrValue is what is said to who gives the passphrase as an argument.
var ErrValue = errors.New("--passphrase takes no value: an argument is read by everybody on this host, and kept by the shell; take another passphrase than that. It is asked for on the terminal, or read from --passphrase-file FILE")

// Bare has a command with a flag --passphrase say what to do where that is given a
// value, without saying the value once more.
func Bare(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if strings.Contains(err.Error(), `"--passphrase" flag`) {
			return ErrValue
		}
		return c.Root().FlagErrorFunc()(c, err)
	})
}
