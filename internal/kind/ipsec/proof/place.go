package proof

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	ours "vpnd/internal/atomic"
)

// place is where the charon that judges has its configuration and its socket:
// AppArmor lets charon have such files in /run and nowhere else.
type place struct{ conf, socket string }

const prefix = "/run/charon.vpnd-"

// used counts the places of this process.
var used atomic.Uint64

func newPlace() (place, error) {
	sweep()
	at := fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), used.Add(1))
	p := place{conf: at + ".conf", socket: at + ".vici"}
	err := ours.Write("/", ours.File{Path: p.conf, Data: []byte(fmt.Sprintf(configuration, p.socket)), Mode: 0o600})
	if err != nil {
		return p, fmt.Errorf("making room for a charon that judges: %w", err)
	}
	return p, nil
}

func (p place) leave() {
	_ = os.Remove(p.conf)
	_ = os.Remove(p.socket)
}

// sweep takes away what killed processes left.
func sweep() {
	left, _ := filepath.Glob(prefix + "*")
	for _, file := range left {
		number, _, _ := strings.Cut(strings.TrimPrefix(file, prefix), "-")
		pid, err := strconv.Atoi(number)
		if err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			_ = os.Remove(file)
		}
	}
}

// configuration has the algorithms and parsers of the host's charon, and nothing that
// would be seen outside: no ports that are known, no log, no socket in the place of
// another's, no script. What others set besides, in strongswan.conf, says nothing
// about connections.
const configuration = `charon {
  load_modular = yes
  port = 0
  port_nat_t = 0
  install_routes = no
  install_virtual_ip = no
  plugins {
    include /etc/strongswan.d/charon/*.conf
    vici {
      load = yes
      socket = unix://%s
    }
    bypass-lan { load = no }
    certexpire { load = no }
    connmark { load = no }
    dhcp { load = no }
    duplicheck { load = no }
    error-notify { load = no }
    farp { load = no }
    forecast { load = no }
    ha { load = no }
    led { load = no }
    lookip { load = no }
    resolve { load = no }
    smp { load = no }
    sql { load = no }
    stroke { load = no }
    tnc-ifmap { load = no }
    tnc-pdp { load = no }
    uci { load = no }
    whitelist { load = no }
  }
}
charon-systemd {
  journal {
    default = -1
  }
}
`
