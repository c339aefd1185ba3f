package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/office"
)

const (
	manyTunnels   = 200
	tunnelsConfig = "/etc/vpnd-tunnels/tunnels.hcl"
	tunnelsState  = "/var/lib/vpnd-tunnels"
	tunnelsKey    = "/etc/vpnd-tunnels/psk"
	tunnelsPSK    = "7d0f3a1c5b9e8842d6170c55"
)

// tunnels measures a host with many tunnels, all of them up, to one peer that plays
// all the others.
func (b *bench) tunnels(peer *lab.Host) func(context.Context) error {
	return func(ctx context.Context) error {
		b.say("%d tunnels", manyTunnels)
		if err := b.openTunnels(ctx, peer); err != nil {
			return err
		}
		if err := b.planTunnels(ctx); err != nil {
			return err
		}
		if err := b.changeTunnel(ctx); err != nil {
			return err
		}
		return b.agentOfTunnels(ctx)
	}
}

// openTunnels has both sides establish all tunnels. This kernel has no ESP, so charon
// itself encrypts, and wants an address of its own in each network. That all come from
// one address is not to be taken for an attack.
func (b *bench) openTunnels(ctx context.Context, peer *lab.Host) error {
	if err := peer.WriteFile(ctx, "/etc/swanctl/conf.d/bench.conf", []byte(peerTunnels()), 0o600); err != nil {
		return err
	}
	for host, second := range map[*lab.Host]int{b.host: 64, peer: 65} {
		if err := host.WriteFile(ctx, "/etc/strongswan.d/bench.conf", []byte("charon {\n  block_threshold = 0\n  cookie_threshold = 0\n}\n"), 0o644); err != nil {
			return err
		}
		script := fmt.Sprintf("for i in $(seq 0 %d); do ip address add 10.%d.$i.1/32 dev lo; done", manyTunnels-1, second)
		if _, err := host.Run(ctx, "sh", "-ec", script); err != nil {
			return err
		}
		if err := host.UseUserSpaceESP(ctx); err != nil {
			return err
		}
	}
	if err := b.host.WriteFile(ctx, tunnelsKey, []byte(tunnelsPSK+"\n"), 0o600); err != nil {
		return err
	}
	if err := b.writeTunnels(ctx, tunnelsConfig, "1h"); err != nil {
		return err
	}
	if err := b.apply(ctx, tunnelsConfig, "--state-dir", tunnelsState); err != nil {
		return err
	}
	for range 600 {
		said, err := b.host.Run(ctx, "swanctl", "--list-sas")
		if err != nil {
			return err
		}
		if strings.Count(said, " INSTALLED, ") == manyTunnels {
			return nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the tunnels do not come up within two minutes")
}

func tunnelName(i int) string { return fmt.Sprintf("t%03d", i) }

// writeTunnels writes the configuration; the first tunnel gets new keys that often.
func (b *bench) writeTunnels(ctx context.Context, path, rekey string) error {
	var text strings.Builder
	for i := range manyTunnels {
		every := "1h"
		if i == 0 {
			every = rekey
		}
		fmt.Fprintf(&text, `ipsec_tunnel %[1]q {
  local {
    address  = %[2]q
    id       = "left%[3]d.example"
    networks = ["10.64.%[3]d.0/24"]
  }
  remote {
    address  = %[4]q
    id       = "right%[3]d.example"
    networks = ["10.65.%[3]d.0/24"]
  }
  psk_file   = %[5]q
  start      = "start"
  rekey_time = %[6]q
}
`, tunnelName(i), office.Intranet, i, gatewayInside, tunnelsKey, every)
	}
	return b.host.WriteFile(ctx, path, []byte(text.String()), 0o600)
}

// gatewayInside is the address of the peer.
const gatewayInside = "10.0.0.1"

// peerTunnels is the other side of all of them, in strongSwan's own words.
func peerTunnels() string {
	var text strings.Builder
	text.WriteString("connections {\n")
	for i := range manyTunnels {
		fmt.Fprintf(&text, `  t%d {
    version = 2
    local_addrs = %s
    remote_addrs = %s
    proposals = aes256gcm16-prfsha384-ecp384
    local {
      auth = psk
      id = right%[1]d.example
    }
    remote {
      auth = psk
      id = left%[1]d.example
    }
    children {
      t%[1]d {
        local_ts = 10.65.%[1]d.0/24
        remote_ts = 10.64.%[1]d.0/24
        esp_proposals = aes256gcm16-ecp384
      }
    }
  }
`, i, gatewayInside, office.Intranet)
	}
	fmt.Fprintf(&text, "}\nsecrets {\n  ike-bench {\n    secret = %q\n  }\n}\n", tunnelsPSK)
	return text.String()
}

// established are the IKE SAs that are up, as name and number, but for that of the
// first tunnel, which is changed, only its name.
func (b *bench) established(ctx context.Context) ([]string, error) {
	said, err := b.host.Run(ctx, "swanctl", "--list-sas")
	if err != nil {
		return nil, err
	}
	var up []string
	for line := range strings.Lines(said) {
		name, rest, ok := strings.Cut(line, ": #")
		if !ok || strings.HasPrefix(line, " ") || !strings.Contains(rest, "ESTABLISHED") {
			continue
		}
		number, _, _ := strings.Cut(rest, ",")
		if name != tunnelName(0) {
			name += " #" + number
		}
		up = append(up, name)
	}
	slices.Sort(up)
	return up, nil
}

// planTunnels measures a plan without anything to do.
func (b *bench) planTunnels(ctx context.Context) error {
	medians, err := b.race(ctx, b.rounds, planOf(tunnelsConfig, "--state-dir", tunnelsState))
	if err != nil {
		return err
	}
	const goal = 100 * time.Millisecond
	b.figure(figure{
		what: fmt.Sprintf("plan of %d tunnels, nothing to do", manyTunnels), vpnd: ms(medians[0]),
		goal: "≤ " + ms(goal), met: medians[0] <= goal,
	})
	return nil
}

// changeTunnel measures the change of one, against what loads all of them. The others
// are not established anew.
func (b *bench) changeTunnel(ctx context.Context) error {
	before, err := b.established(ctx)
	if err != nil {
		return err
	}
	round := 0
	changed := contender{
		argv: []string{"vpnd", "apply", "--yes", "--config", tunnelsConfig, "--state-dir", tunnelsState},
		reset: func(ctx context.Context) error {
			round++
			return b.writeTunnels(ctx, tunnelsConfig, fmt.Sprintf("%dm", 30+round))
		},
		check: func(stdout string, _ time.Duration) error {
			if !strings.Contains(stdout, "Done: 1 change.") {
				return errors.New("one tunnel of many is not one change")
			}
			return nil
		},
	}
	all := contender{argv: []string{"swanctl", "--load-all"}}
	medians, err := b.race(ctx, min(b.rounds, 9), changed, all)
	if err != nil {
		return err
	}
	after, err := b.established(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(before, after) {
		return fmt.Errorf("a change of one tunnel established others anew:\n%s\n%s", before, after)
	}
	const goal = time.Second
	b.figure(figure{
		what: fmt.Sprintf("change of one of %d tunnels, established anew", manyTunnels), vpnd: ms(medians[0]), instead: ms(medians[1]) + " swanctl --load-all",
		goal: "≤ " + ms(goal), met: medians[0] <= goal,
	})
	return nil
}

// agentOfTunnels measures an idle agent that keeps them.
func (b *bench) agentOfTunnels(ctx context.Context) error {
	if _, err := b.host.Run(ctx, "sh", "-ec", "mkdir -p /etc/vpnd; vpnd destroy --yes --state-dir "+tunnelsState); err != nil {
		return err
	}
	if err := b.writeTunnels(ctx, agentConfig, "1h"); err != nil {
		return err
	}
	if err := b.startAgent(ctx); err != nil {
		return err
	}
	if err := b.idle(ctx, fmt.Sprintf("with %d tunnels", manyTunnels), 0.2, 0); err != nil {
		return err
	}
	_, err := b.host.Run(ctx, "sh", "-ec", "systemctl stop vpnd; vpnd destroy --yes")
	return err
}
