package systemd

import (
	"os"
	"os/exec"
	"strconv"
)

// bus is the socket that systemd-run(1) needs to wait for what it starts.
const bus = "/run/dbus/system_bus_socket"

// Apart returns how to run a command that changes packages or accounts. Where vpnd
// is a service of systemd, the command gets a unit of its own: what does so needs
// more than the sandbox of vpnd.service has, and must come to its end even where
// vpnd is stopped meanwhile, or itself replaced and restarted.
func Apart(description string, environment, argv []string) []string {
	if !service() {
		return argv
	}
	run, err := exec.LookPath("systemd-run")
	if err != nil {
		return argv
	}
	if _, err := os.Stat(bus); err != nil {
		return argv
	}
	wrapped := []string{run, "--quiet", "--pipe", "--wait", "--collect", "--service-type=exec", "--description=" + description}
	for _, setting := range environment {
		wrapped = append(wrapped, "--setenv="+setting)
	}
	return append(append(wrapped, "--"), argv...)
}

// service says whether systemd started this process as the main one of a
// service (systemd.exec(5), $SYSTEMD_EXEC_PID).
func service() bool { return os.Getenv("SYSTEMD_EXEC_PID") == strconv.Itoa(os.Getpid()) }

// PKill returns how to signal all processes of an account, pkill(1). Containers have
// numbers of their own that may be the same, so only those of the PID namespace of
// this process are meant.
func PKill(signal, account string) []string {
	return Apart("An account for vpnd", nil, []string{"pkill", "--signal", signal, "--uid", account, "--ns", strconv.Itoa(os.Getpid()), "--nslist", "pid"})
}
