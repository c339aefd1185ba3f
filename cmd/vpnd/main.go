// Vpnd makes a Linux host the VPN host that a file says, and keeps it so. See
// vpnd(8).
package main

import (
	"os"

	"vpnd/internal/cli"
)

func main() { os.Exit(cli.Main()) }
