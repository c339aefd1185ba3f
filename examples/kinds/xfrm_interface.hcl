# The interface of a routed tunnel: what is sent to it leaves by the SAs of that
# number. See examples/site-to-site for the tunnel itself.
xfrm_interface "ipsec0" {
  if_id     = 7
  addresses = ["169.254.10.2/30"]
  mtu       = 1438
}
