package ipsec

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/resource"
)

// keys are the settings of swanctl.conf(5) that are called otherwise than the
// attributes.
var keys = map[string]string{"certificates": "certs", "ca_certificates": "cacerts"}

// ifIDs are the two settings that the attribute if_id stands for.
const ifIDIn, ifIDOut = "if_id_in", "if_id_out"

// absent are the values that charon takes where a file has none; swanctl.conf(5).
// The lives that follow from other attributes are not among them. Where no method
// is given, charon takes any from the peer, whatever the manual says.
var absent = map[string]string{
	"version": "0", "local_addrs": "%any", "remote_addrs": "%any", "proposals": "default", "aggressive": "no",
	"encap": "no", "mobike": "yes", "fragmentation": "yes", "unique": "no", "dpd_delay": "0s", "dpd_timeout": "0s",
	"keyingtries": "1", "rekey_time": "14400s", "reauth_time": "0s", "send_cert": "ifasked",
	"auth": "any", "id": "", "certs": "", "key": "", "cacerts": "", "crls": "", "revocation": "relaxed",
	"mode": "tunnel", "local_ts": "dynamic", "remote_ts": "dynamic", "esp_proposals": "default",
	"start_action": "none", "dpd_action": "clear", "close_action": "none", "rekey_bytes": "0",
	"replay_window": "32", "if_id": "0", "priority": "0", "copy_df": "yes",
}

// childAbsent are those that differ for a child SA.
var childAbsent = map[string]string{"rekey_time": "3600s"}

// unwritten are attributes that are no settings of the section that they stand in.
var unwritten = map[string]bool{
	"psk": true, "psk_file": true, "key": true, "crls": true, "ca_certificates_above": true, "name": true,
	"local": true, "remote": true, "child": true,
}

// A form is how a shape is written: the fields that are one setting each, and the keys of
// these.
type form struct {
	fields []resource.Field
	keys   map[string]bool
}

func formOf(shape any) *form {
	switch shape.(type) {
	case *Connection:
		return ofConnection
	case *End:
		return ofEnd
	default:
		return ofChild
	}
}

// settings are the fields of a shape that are one setting each.
func settings(shape any) []resource.Field { return formOf(shape).fields }

var ofConnection, ofEnd, ofChild = chosen(Connection{}), chosen(End{}), chosen(Child{})

func chosen(shape any) *form {
	chosen := &form{keys: make(map[string]bool)}
	for _, f := range resource.Fields(reflect.TypeOf(shape)) {
		if f.Computed || f.Label || unwritten[f.Name] {
			continue
		}
		chosen.fields = append(chosen.fields, f)
		if f.Name == "if_id" {
			chosen.keys[ifIDIn], chosen.keys[ifIDOut] = true, true
		} else {
			chosen.keys[keyOf(f.Name)] = true
		}
	}
	return chosen
}

func keyOf(attribute string) string {
	if key, other := keys[attribute]; other {
		return key
	}
	return attribute
}

// fallback returns what charon takes for a setting that is left out, and whether
// that is a value of its own.
func fallback(shape any, key string) (string, bool) {
	if _, ok := shape.(*Child); ok {
		if value, ok := childAbsent[key]; ok {
			return value, true
		}
	}
	value, ok := absent[key]
	return value, ok
}

// put writes the attributes of a shape as settings; what charon takes anyway is left
// out, but for when there are new keys: charon 6 makes that up of the life where only
// that is said.
func put(s *swanctl.Section, shape any) {
	v := reflect.ValueOf(shape).Elem()
	for _, f := range settings(shape) {
		key := keyOf(f.Name)
		value, there := written(v.Field(f.Index))
		if anyway, ok := fallback(shape, key); !there || ok && value == anyway && key != "rekey_time" {
			continue
		}
		if key == "if_id" {
			s.Set(ifIDIn, value)
			key = ifIDOut
		}
		s.Set(key, value)
	}
}

// written is a value as it stands in the file; not there where it is nil.
func written(v reflect.Value) (string, bool) {
	if v.IsNil() {
		return "", false
	}
	switch value := v.Interface().(type) {
	case []string:
		return strings.Join(value, ", "), true
	case *bool:
		if *value {
			return "yes", true
		}
		return "no", true
	case *resource.Duration:
		return strconv.FormatInt(value.Seconds(), 10) + "s", true
	default:
		return fmt.Sprint(v.Elem().Interface()), true
	}
}

// take reads the settings of a section into a shape, nothing of which is nil
// afterwards. It returns the lines that are none of vpnd's: of a setting that it does not
// write the value may be secret, and is not told.
func take(s *swanctl.Section, shape any, path string) (foreign []string) {
	v := reflect.ValueOf(shape).Elem()
	form := formOf(shape)
	for _, f := range form.fields {
		key := keyOf(f.Name)
		value, there := s.Get(key)
		if key == "if_id" {
			in, _ := s.Get(ifIDIn)
			if value, there = s.Get(ifIDOut); in != value {
				foreign = append(foreign, path+"."+ifIDIn+" = "+in)
			}
		}
		if !there {
			value, there = fallback(shape, key)
		}
		if there && !read(v.Field(f.Index), value) {
			foreign = append(foreign, path+"."+key+" = "+value)
			anyway, _ := fallback(shape, key)
			read(v.Field(f.Index), anyway)
		}
	}
	for _, one := range s.Settings {
		if !form.keys[one.Key] {
			foreign = append(foreign, path+"."+one.Key)
		}
	}
	return foreign
}

// read sets a field to a value of the file, and says whether it could be read.
func read(v reflect.Value, text string) bool {
	switch v.Interface().(type) {
	case []string:
		v.Set(reflect.ValueOf(words(text)))
		return true
	case *string:
		v.Set(reflect.ValueOf(&text))
		return true
	case *int:
		n, err := strconv.Atoi(text)
		v.Set(reflect.ValueOf(&n))
		return err == nil
	case *bool:
		yes, ok := truth(text)
		v.Set(reflect.ValueOf(&yes))
		return ok
	case *resource.Duration:
		d, ok := length(text)
		v.Set(reflect.ValueOf(&d))
		return ok
	default:
		panic(fmt.Sprintf("ipsec: no setting is a %s", v.Type()))
	}
}

// words are the items of a list.
func words(text string) []string {
	all := []string{}
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			all = append(all, word)
		}
	}
	return all
}

// truth is a boolean as strongswan.conf(5) has it.
func truth(text string) (yes, ok bool) {
	switch strings.ToLower(text) {
	case "1", "yes", "true", "enabled":
		return true, true
	case "0", "no", "false", "disabled":
		return false, true
	default:
		return false, false
	}
}

// length is a time as strongswan.conf(5) has it: a number, and s, m, h or d.
func length(text string) (resource.Duration, bool) {
	number, unit := text, time.Second
	for suffix, u := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour} {
		if cut, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = cut, u
		}
	}
	n, err := strconv.ParseInt(number, 10, 32)
	return resource.Duration(time.Duration(n) * unit), err == nil && n >= 0
}
