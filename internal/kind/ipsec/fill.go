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
		if end.Above == nil {
			end.Above = []string{}
		}
	}
	settle(&c)
	return &c
}

// complete fills in what is one setting each.
func complete(shape any) {
	v := reflect.ValueOf(shape).Elem()
	for _, f := range settings(shape) {
		// An empty list is as good as none.
		if is := v.Field(f.Index); !is.IsNil() && (is.Kind() != reflect.Slice || is.Len() > 0) {
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

// tenth is what a life is longer than the time after which there are new keys, in
// whole seconds.
func tenth(d resource.Duration) resource.Duration {
	second := resource.Duration(time.Second)
	return d / 10 / second * second
}

// settle fills in the lives that follow from others; swanctl.conf(5), over_time and
// life_time.
func settle(c *Connection) {
	if c.OverTime == nil {
		c.OverTime = resource.Ptr(tenth(max(*c.RekeyTime, *c.ReauthTime)))
	}
	for i := range c.Children {
		if child := &c.Children[i]; child.LifeTime == nil {
			child.LifeTime = resource.Ptr(*child.RekeyTime + tenth(*child.RekeyTime))
		}
	}
}
