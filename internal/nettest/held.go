package nettest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
)

// Hold runs the test binary again, as a process of its own that takes something with
// [Taken] and holds it, and returns what ends that.
func Hold(t *testing.T, variable, what string, attr syscall.SysProcAttr) (end func()) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), variable+"="+what)
	attr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr = &attr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() { input.Close(); _ = cmd.Wait() })
	if said, _ := bufio.NewReader(output).ReadString('\n'); said != "<nil>\n" {
		end()
		t.Fatalf("%s: %s", what, said)
	}
	return end
}

// Taken is for the TestMain of who calls [Hold]: where the variable says what, it is
// taken, and what take returns is held until whoever wanted it lets go.
func Taken(variable string, take func(what string) (held any, err error)) {
	what := os.Getenv(variable)
	if what == "" {
		return
	}
	held, err := take(what)
	fmt.Println(err)
	_, _ = io.ReadAll(os.Stdin)
	runtime.KeepAlive(held) // what the garbage collector finds unused it closes
	os.Exit(0)
}
