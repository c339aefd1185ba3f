package ipsec

import (
	"reflect"
	"time"

	"vpnd/internal/resource"
)

// fill gives what a wish leaves out the value that is documented, or that charon
// takes. It returns another connection and leaves the wish as it is.
func fill(want *Connection) *Connection {
	c := *want
	c.Local, c.Remote = resource.Ptr(resource.Or(want.Local, End{})), resource.Ptr(resource.Or(want.Remote, End{}))
	c.Children = make([]Child, len(want.Children))
	copy(c.Children, want.Children)
	complete(&c)
	complete(c.Local)
	complete(c.Remote)
	for i := range c.Children {
		complete(&c.Children[i])
	}
	if c.PSKFile == nil {
		c.PSKFile = resource.Ptr("")
	}
	switch {
	case *c.PSKFile != "":
		c.PSK = nil // whatever is in the file when it is applied
	case c.PSK == nil:
		c.PSK = resource.NewSecret("")
	}
	for _, end := range []*End{c.Local, c.Remote} {
		if end.Key == nil {
			end.Key = resource.Ptr("")
		}
		if end.CRLs == nil {
			end.CRLs = []string{}
		}
	}
	settle(&c)
	return &c
}

// complete fills in what is one setting each.
func complete(shape any) {
	v := reflect.ValueOf(shape).Elem()
	for _, f := range settings(shape) {
		if !v.Field(f.Index).IsNil() {
			continue
		}
		value, ok := fallback(shape, keyOf(f.Name))
		if f.Default != "" {
			value, ok = f.Default, true
		}
		if ok {
			read(v.Field(f.Index), value)
		}
	}
}

// tenth is how many of these parts a time has.
const tenth = 10

// part is so many tenths of a time, in whole seconds.
func part(d resource.Duration, tenths resource.Duration) *resource.Duration {
	second := resource.Duration(time.Second)
	return resource.Ptr(d * tenths / tenth / second * second)
}

// settle fills in the lives that follow from others; ipsec.conf and swanctl.conf(5),
// over_time and life_time.
func settle(c *Connection) {
	if c.OverTime == nil {
		c.OverTime = part(max(*c.RekeyTime, *c.ReauthTime), 1)
	}
	for i := range c.Children {
		if child := &c.Children[i]; child.LifeTime == nil {
			child.LifeTime = part(*child.RekeyTime, 1+tenth)
		}
	}
}
