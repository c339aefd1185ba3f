package status

import (
	"path"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// Expiry is when a certificate or a revocation list runs out.
type Expiry struct {
	ID       resource.ID `json:"id"`
	Block    string      `json:"block,omitempty"`
	NotAfter time.Time   `json:"not_after"`
	Fresh    bool        `json:"fresh"` // false once it is to be renewed
}

// Server is an OpenVPN server and who is connected to it.
type Server struct {
	Block   string   `json:"block"`
	Socket  string   `json:"socket"`
	Up      bool     `json:"up"` // it answers
	Clients []Client `json:"clients"`
	Error   string   `json:"error,omitempty"` // why nobody knows
}

// Name is the block and, where it has several processes, which of them this is but for
// the first: openvpn_server.office/tcp-443.
func (s Server) Name() string {
	_, name, _ := strings.Cut(s.Block, ".")
	process := path.Base(path.Dir(s.Socket))
	if which, further := strings.CutPrefix(process, name+"-"); further && name != "" {
		return s.Block + "/" + which
	}
	return s.Block
}

// Client is one connected client.
type Client struct {
	Name    string    `json:"name"`
	From    string    `json:"from"`                // address and port it comes from
	By      string    `json:"transport,omitempty"` // udp or tcp, where OpenVPN says it, as 2.7 does
	Address string    `json:"address"`             // in the VPN
	Since   string    `json:"since"`               // as OpenVPN writes it
	Began   time.Time `json:"began,omitzero"`      // the same, where OpenVPN says it
	In      uint64    `json:"in_bytes"`
	Out     uint64    `json:"out_bytes"`
}

// Block names the first block that asks for a resource.
func Block(id resource.ID, owners []resource.Owner) string {
	if len(owners) == 0 {
		return id.String()
	}
	return owners[0].Block.String()
}
