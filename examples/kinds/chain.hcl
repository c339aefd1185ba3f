# Rules as iptables(8) has them, in a chain of vpnd's own.
chain "ip/filter/VPND-SSH" {
  hook = "INPUT"
  at   = "top"
  rules = [
    "-p tcp --dport 22 -s 192.0.2.0/24,198.51.100.0/24 -j ACCEPT",
    "-p tcp --dport 22 -m limit --limit 5/min -j LOG --log-prefix \"ssh: \"",
    "-p tcp --dport 22 -j DROP",
  ]
}
