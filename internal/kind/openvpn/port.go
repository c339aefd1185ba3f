package openvpn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"vpnd/internal/resource"
)

// Shared wants the host and the port to be known to which connections are passed on
// that speak something else; OpenVPN looks both up when it starts, and does not
// start without.
func Shared(ctx context.Context, host, port string) *resource.Mistake {
	var resolver net.Resolver
	if _, err := resolver.LookupPort(ctx, "tcp", port); err != nil || port == "0" {
		return &resource.Mistake{Summary: fmt.Sprintf("there is no service %q", port), Hint: "write the number of a port, or a name that getent services lists"}
	}
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	_, err := resolver.LookupHost(ctx, host)
	var dns *net.DNSError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &dns) && dns.IsNotFound:
		return &resource.Mistake{Summary: fmt.Sprintf("there is no host %q", host), Hint: "write an address, or a name that getent hosts finds"}
	default:
		return &resource.Mistake{Summary: fmt.Sprintf("whether there is a host %s is not known now", host), Hint: "OpenVPN does not start where it can't look it up; write an address", Warning: true}
	}
}

// lookup is how long a name may take to be looked up.
const lookup = 3 * time.Second
