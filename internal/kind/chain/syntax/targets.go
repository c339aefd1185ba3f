package syntax

// Targets are what a rule can do besides leading to a chain: the verdicts, and
// the targets of iptables-extensions(8). They need not be looked for on the
// host; any other name may be a chain of others, and is.
var Targets = []string{
	"ACCEPT", "AUDIT", "CHECKSUM", "CLASSIFY", "CLUSTERIP", "CONNMARK", "CONNSECMARK", "CT", "DNAT", "DNPT", "DROP", "DSCP", "ECN",
	"HL", "HMARK", "IDLETIMER", "LED", "LOG", "MARK", "MASQUERADE", "NETMAP", "NFLOG", "NFQUEUE", "NOTRACK", "QUEUE", "RATEEST",
	"REDIRECT", "REJECT", "RETURN", "SECMARK", "SET", "SNAT", "SNPT", "SYNPROXY", "TCPMSS", "TCPOPTSTRIP", "TEE", "TOS", "TPROXY",
	"TRACE", "TTL", "ULOG",
}
