package shape

import (
	"encoding"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"vpnd/internal/config/value"
	"vpnd/internal/resource"
)

var secretType = reflect.TypeFor[resource.Secret]()

// A fault is a value that does not fit its field.
type fault struct {
	path string       // below the attribute: "[2]", ".name"
	want reflect.Type // what would fit
	text string       // what is wrong, where the type itself can tell
	got  cty.Value
}

// convertTo sets dst to a value that is known and unmarked. Nothing is set
// where it does not fit.
func convertTo(dst reflect.Value, v cty.Value, path string) []fault {
	t := dst.Type()
	misfit := []fault{{path: path, want: t, got: v}}
	if v.IsNull() {
		return misfit
	}
	switch {
	case t.Kind() == reflect.Pointer:
		p := reflect.New(t.Elem())
		faults := convertTo(p.Elem(), v, path)
		if len(faults) == 0 {
			dst.Set(p)
		}
		return faults
	case t == secretType:
		text, ok := value.Text(v)
		if !ok {
			return misfit
		}
		dst.Set(reflect.ValueOf(resource.NewSecret(text)).Elem())
		return nil
	case resource.IsText(t):
		text, ok := value.Text(v)
		if !ok {
			return misfit
		}
		read := dst.Addr().Interface()
		if err := read.(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			if ours(t) {
				misfit[0].text = err.Error()
			}
			return misfit
		}
		if err := misread(read); err != nil {
			misfit[0].text = err.Error()
			return misfit
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Slice:
		return convertSlice(dst, v, path)
	case reflect.Map:
		return convertMap(dst, v, path)
	case reflect.Struct:
		return convertStruct(dst, v, path)
	}
	if !convertWord(dst, v) {
		return misfit
	}
	return nil
}

// ours says whether a type's own message is fit for users: those of the
// standard library speak of Go.
func ours(t reflect.Type) bool { return !strings.HasPrefix(t.PkgPath(), "net/") }

// misread refuses what netip reads and nobody means: nothing as an address, one with a
// zone, which may hold any text for those who write it elsewhere, and IPv4 in the clothes
// of IPv6, which no packet has. A rule about it would be one
// of ip6tables, and never match.
func misread(v any) error {
	var addr netip.Addr
	switch v := v.(type) {
	case *netip.Addr:
		addr = *v
	case *netip.Prefix:
		addr = v.Addr()
	default:
		return nil
	}
	switch {
	case !addr.IsValid():
		return errors.New("it is empty")
	case addr.Zone() != "":
		return fmt.Errorf("%s is an address of one interface alone; write one that needs no zone", addr.WithZone(""))
	case addr.Is4In6():
		return fmt.Errorf("%s is an IPv4 address within an IPv6 one; write %s", addr, addr.Unmap())
	}
	return nil
}

// convertWord sets text, a truth value or a number.
func convertWord(dst reflect.Value, v cty.Value) bool {
	switch dst.Kind() {
	case reflect.String:
		text, ok := value.Text(v)
		if ok {
			dst.SetString(text)
		}
		return ok
	case reflect.Bool:
		b, err := convert.Convert(v, cty.Bool)
		if err != nil {
			return false
		}
		dst.SetBool(b.True())
		return true
	}
	n, err := convert.Convert(v, cty.Number)
	if err != nil {
		return false
	}
	whole, exact := n.AsBigFloat().Int64()
	switch {
	case dst.CanInt() && exact == big.Exact && !dst.OverflowInt(whole):
		dst.SetInt(whole)
	case dst.CanUint() && exact == big.Exact && whole >= 0 && !dst.OverflowUint(uint64(whole)):
		dst.SetUint(uint64(whole))
	default:
		return false
	}
	return true
}

func convertSlice(dst reflect.Value, v cty.Value, path string) []fault {
	t := v.Type()
	if !t.IsTupleType() && !t.IsListType() && !t.IsSetType() {
		return []fault{{path: path, want: dst.Type(), got: v}}
	}
	list := reflect.MakeSlice(dst.Type(), v.LengthInt(), v.LengthInt())
	var faults []fault
	i := 0
	for it := v.ElementIterator(); it.Next(); i++ {
		_, item := it.Element()
		faults = append(faults, convertTo(list.Index(i), item, fmt.Sprintf("%s[%d]", path, i))...)
	}
	dst.Set(list)
	return faults
}

func convertMap(dst reflect.Value, v cty.Value, path string) []fault {
	if !v.Type().IsMapType() && !v.Type().IsObjectType() {
		return []fault{{path: path, want: dst.Type(), got: v}}
	}
	items := reflect.MakeMap(dst.Type())
	var faults []fault
	for it := v.ElementIterator(); it.Next(); {
		key, item := it.Element()
		entry := reflect.New(dst.Type().Elem()).Elem()
		faults = append(faults, convertTo(entry, item, fmt.Sprintf("%s[%q]", path, key.AsString()))...)
		items.SetMapIndex(reflect.ValueOf(key.AsString()).Convert(dst.Type().Key()), entry)
	}
	dst.Set(items)
	return faults
}

// convertStruct sets a struct from an object by the names of its tags. What
// the object has besides is passed over: a block exports more than one reader
// wants to know. What it lacks must be optional.
func convertStruct(dst reflect.Value, v cty.Value, path string) []fault {
	if !v.Type().IsObjectType() {
		return []fault{{path: path, want: dst.Type(), got: v}}
	}
	var faults []fault
	for _, f := range resource.Fields(dst.Type()) {
		field := dst.Field(f.Index)
		if !v.Type().HasAttribute(f.Name) {
			if !optional(field.Kind()) {
				return []fault{{path: path, want: dst.Type(), got: v}}
			}
			continue
		}
		if item := v.GetAttr(f.Name); !item.IsNull() || !optional(field.Kind()) {
			faults = append(faults, convertTo(field, item, path+"."+f.Name)...)
		}
	}
	return faults
}

func optional(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Slice || k == reflect.Map
}
