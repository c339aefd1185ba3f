package office

import (
	"context"
	"strings"
)

// look prints everything on the gateway that vpnd could have touched: rules of
// both backends, network sysctls, links and routes, units, and every file with
// its mode, owner and digest. Whether a unit is enabled or masked is links among
// those files, which systemctl(1) would take a second to tell. What other programs write all the time, and what
// vpnd keeps for itself, is left out.
const look = `
for t in filter nat mangle raw; do
	echo "== $t"; iptables-save -t $t | grep -v '^#'; ip6tables-save -t $t | grep -v '^#'
done | sed -E 's/\[[0-9]+:[0-9]+\]//'
echo "== sysctl"; sysctl -a 2>/dev/null | grep -E '^net\.(ipv4|ipv6)\.(ip_forward|conf\.(all|default|eth0|wan0|lo)\.)' | sort
echo "== links"; ip -br link | awk '{print $1, $3}' | sort; ip route; ip -6 route | grep -v fe80 | sort
echo "== units"; find /run/systemd/system /run/systemd/transient -mindepth 1 -printf '%p %l\n' 2>/dev/null | sort
systemctl list-units --no-legend --plain 'openvpn*' 'ssh*' | tr -s ' ' | sort
echo "== files"; find /etc /root /usr/local /var/lib /home -xdev \( -path /var/lib/systemd -o -path /etc/vpnd -o -path /var/lib/vpnd -o -name .updated -o -name '*.cache' \) -prune -o -printf '%p %M %u %g %l\n' | sort
find /etc /root /usr/local /home -xdev -path /etc/vpnd -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
echo "== secrets"; find /var/lib/vpnd \( -path '*/priors' -o -path '*/snapshots' -o -path '/var/lib/vpnd/secrets' \) -prune -o -mindepth 1 -printf '%P %M\n' 2>/dev/null | grep -vE '^(records.jsonl|records.sum.json|history.jsonl|(wish|hold|pending|seen).json|key|lock) ' | sort
`

// Print returns the gateway as it is, for comparison with another time.
func (o *Office) Print(ctx context.Context) (string, error) {
	out, err := o.Gateway.Run(ctx, "sh", "-c", look)
	return strings.TrimSpace(out), err
}

// foreign is what other tools left on the gateway before vpnd came: rules of
// the shapes of Docker and firewalld, a sysctl file, a unit, files beside those
// of vpnd.
const foreign = `
set -e
iptables -N DOCKER; iptables -N DOCKER-USER; iptables -P FORWARD DROP
iptables -A FORWARD -j DOCKER-USER; iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT; iptables -A DOCKER-USER -j RETURN
iptables -t nat -N DOCKER
iptables -t mangle -N PREROUTING_direct; iptables -t mangle -A PREROUTING -j PREROUTING_direct
iptables -N IN_public_log; iptables -A INPUT -m comment --comment "it's \"theirs\"" -j IN_public_log
ip6tables -A INPUT -p tcp --dport 8443 -j REJECT
printf 'net.ipv4.tcp_syncookies = 1\n' > /etc/sysctl.d/50-theirs.conf
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/theirs.service
systemctl enable -q --now theirs.service
printf 'theirs\n' > /etc/openvpn/server/theirs.txt
`

// docker is what Docker puts into the nat table, again after a flush.
const docker = `
set -e
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
`

// Foreigners makes the gateway look as if other tools lived there as well.
func (o *Office) Foreigners(ctx context.Context) error {
	if _, err := o.Gateway.Run(ctx, "sh", "-c", foreign); err != nil {
		return err
	}
	return o.Docker(ctx)
}

// Docker puts the rules that Docker would have into the nat table.
func (o *Office) Docker(ctx context.Context) error {
	_, err := o.Gateway.Run(ctx, "sh", "-c", docker)
	return err
}

// Diff returns the lines in which two prints differ.
func Diff(before, after string) string {
	count := make(map[string]int)
	for line := range strings.Lines(before) {
		count[line]--
	}
	for line := range strings.Lines(after) {
		count[line]++
	}
	var b strings.Builder
	for line, n := range count {
		if n != 0 {
			b.WriteString(map[bool]string{true: "+ ", false: "- "}[n > 0] + strings.TrimSpace(line) + "\n")
		}
	}
	return b.String()
}
