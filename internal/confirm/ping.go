package confirm

import (
	"context"
	"fmt"
	"net/netip"

	"vpnd/internal/icmp"
)

func pingProbe(who string, addr netip.Addr) Probe {
	return Probe{Name: fmt.Sprintf("%s %s answered a ping", who, addr), Try: func(ctx context.Context) error { return icmp.Ping(ctx, addr, "") }}
}
