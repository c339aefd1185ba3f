// Package kernel tests tunnels over Debian's own kernel, whose IPsec, xfrm interfaces
// and WireGuard the machine at hand may lack. Its tests run in a machine with that
// kernel: make test-kernel.
package kernel
