package atomic

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"vpnd/internal/nettest"
)

// writer marks a process that only writes, until it is killed.
const writer = "VPND_ATOMIC_WRITER"

func TestMain(m *testing.M) {
	if root := os.Getenv(writer); root != "" {
		write(root)
		return
	}
	nettest.Main(m)
}

// generations are contents of unlike length, so that a mixture would show.
func generation(n int) string { return strings.Repeat(fmt.Sprintln(n), 20_000+n%7*10_000) }

func write(root string) {
	for n := range 10_000 {
		err := WriteAll(root, []File{mine("/a", generation(n), 0o600), mine("/b", generation(n), 0o600)})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("written", n)
	}
}
