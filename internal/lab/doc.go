// Package lab boots real Debian hosts with systemd on this machine, joins
// them with links, enters them and ends them. System tests and the demo stand
// on it.
//
// A host is an overlay over the cached root file system of a release of Debian,
// booted by systemd-nspawn(1). Each host is the only tenant of a PID and a mount
// namespace, whose first process dies with the thread that made it: when this
// process ends, for whatever reason, the kernel ends every host and unmounts
// every overlay. Network namespaces are held by file descriptors and links are
// made inside them, so no link, mount, address or firewall rule of a lab ever
// appears on the machine itself. What a killed process leaves is a directory and
// some empty control groups, which the next lab removes.
//
// Hosts share the machine's kernel and what it lacks; package machine makes one with
// Debian's own, in which a lab can be made too. Inside, /proc/sys/net is
// the host's own and writable, the rest of /proc/sys is read-only, /dev/net/tun
// is there, and both backends of iptables work. There is no way out: no name
// server, no mirror. The archives of all installed packages are on the disk, so
// apt-get can remove a package and install it again.
//
//	l, err := lab.New(ctx, lab.Options{Progress: os.Stderr})
//	…
//	defer l.Close()
//	server, err := l.Host(ctx, "server")
//	client, err := l.Host(ctx, "client")
//	err = l.Link(server, "eth0", netip.MustParsePrefix("192.0.2.1/24"),
//		client, "eth0", netip.MustParsePrefix("192.0.2.2/24"))
//	err = server.Copy(ctx, "bin/vpnd", "/usr/bin/vpnd")
//	out, err := client.Run(ctx, "ping", "-c1", "192.0.2.1")
//
// A lab needs root and a Debian or Ubuntu machine.
package lab
