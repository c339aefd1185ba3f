package internal_test

import (
	"reflect"
	"slices"
	"testing"

	"vpnd/internal/lab/costs"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn"
	"vpnd/internal/vpn/pki"
)

// Every attribute that people are connected by has a row that says what its change
// costs them, which a test on real hosts holds against what happens.
func TestEveryAttributeHasItsCost(t *testing.T) {
	var want []string
	for name, shape := range map[string]any{"openvpn_server": &openvpn.Server{}, "pki": &pki.PKI{}} {
		want = append(want, attributes(name, reflect.TypeOf(shape).Elem())...)
	}
	var got []string
	for _, row := range slices.Concat(costs.Parts()...) {
		got = append(got, row.Attribute())
	}
	for _, path := range want {
		if !slices.Contains(got, path) {
			t.Errorf("%s has no row in internal/lab/costs: say who loses the session when it changes, and whose profile is void", path)
		}
	}
	for _, path := range got {
		if !slices.Contains(want, path) {
			t.Errorf("the row of %s in internal/lab/costs is of no attribute", path)
		}
	}
}

// attributes are the paths of all that can be written into a block.
func attributes(path string, shape reflect.Type) []string {
	var all []string
	for _, f := range resource.Fields(shape) {
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		switch {
		case f.Label || f.Computed:
		case f.Block:
			all = append(all, attributes(path+"/"+f.Name, inner)...)
		default:
			all = append(all, path+"/"+f.Name)
		}
	}
	return all
}
