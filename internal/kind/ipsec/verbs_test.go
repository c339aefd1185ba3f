package ipsec

import (
	"testing"

	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// tunnel is a connection of two networks; change makes another of it.
func tunnel(change func(*Connection)) Connection {
	c := Connection{
		LocalAddrs: []string{"192.0.2.1"}, RemoteAddrs: []string{"192.0.2.2"},
		Proposals: []string{"aes256gcm16-prfsha384-ecp384"},
		Local:     &End{ID: resource.Ptr("gw.example.com")}, Remote: &End{},
		PSK: resource.NewSecret(`0x quotes " and \ and # are {none} of its business`),
		Children: []Child{{
			Name: "net", LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.2.0.0/16", "10.3.0.1/32"},
			Proposals: []string{"aes256gcm16-ecp384"},
		}},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestConform(t *testing.T) {
	v, _ := host(t)
	resourcetest.Conform(t, v, resourcetest.Case[Connection]{
		Name: "dc", First: tunnel(nil),
		Second: tunnel(func(c *Connection) {
			c.Version, c.DPDDelay = resource.Ptr(1), resource.Ptr(resource.Duration(10e9))
			c.PSK = resource.NewSecret("another one that is long enough")
			c.Children = append(c.Children, Child{Name: "more", Mode: resource.Ptr("transport"), Proposals: []string{"aes256-sha256-ecp384"}})
		}),
	})
}
