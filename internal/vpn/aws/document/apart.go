package document

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// One returns a document with nothing but the connection of that id in it, as it was
// written. Without an id there must be only one.
func One(text, id string) (string, error) {
	text, err := tidy(text)
	if err != nil || !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return text + "\n", err
	}
	all, err := connections(text)
	if err != nil {
		return "", err
	}
	chosen, err := choose(all, id)
	if err != nil {
		return "", err
	}
	raw, err := raws(text)
	if err != nil {
		return "", err
	}
	for i := range all {
		if &all[i] != chosen {
			continue
		}
		var b bytes.Buffer
		one, err := json.Marshal(map[string][]json.RawMessage{"VpnConnections": {raw[i]}})
		if err == nil {
			err = json.Indent(&b, one, "", "    ")
		}
		return b.String() + "\n", err
	}
	return "", wrong("", "the connection is not there")
}

// raws returns the connections of a document as they are written, in the order of
// connections.
func raws(text string) ([]json.RawMessage, error) {
	var list []json.RawMessage
	if strings.HasPrefix(text, "[") {
		return list, decode(text, &list)
	}
	var a struct {
		VpnConnections []json.RawMessage
		VpnConnection  json.RawMessage
	}
	if err := decode(text, &a); err != nil {
		return nil, err
	}
	if a.VpnConnection != nil {
		a.VpnConnections = append(a.VpnConnections, a.VpnConnection)
	}
	if a.VpnConnections == nil {
		return []json.RawMessage{json.RawMessage(text)}, nil
	}
	return a.VpnConnections, nil
}

// WithoutKeys returns a document of one connection without its pre-shared keys, and the
// connection as it was with them. Keys are taken out until none is left: behind those of
// the options stand those of the XML, which may be older ones.
func WithoutKeys(text string) (string, *Connection, error) {
	c, err := Read(text, "")
	for left := c; err == nil; left, err = Read(text, "") {
		rest, bare := text, *left
		for i := range bare.Tunnels {
			if t := &bare.Tunnels[i]; t.PSK != nil {
				rest = strings.ReplaceAll(rest, t.PSK.Reveal(), "")
				t.PSK = nil
			}
		}
		switch {
		case reflect.DeepEqual(left, &bare):
			return text, c, same(c, left)
		case rest == text:
			return "", nil, wrong("a pre-shared key", "it is written with entities, so that it can't be taken out")
		}
		text = rest
	}
	return "", nil, err
}

// same says whether two connections are the same but for their keys.
func same(a, b *Connection) error {
	x, y := *a, *b
	for i := range x.Tunnels {
		x.Tunnels[i].PSK, y.Tunnels[i].PSK = nil, nil
	}
	if !reflect.DeepEqual(x, y) {
		return &Error{Where: "a pre-shared key", What: "it is a part of another value too, so that it can't be taken out", Way: "have Amazon make another one"}
	}
	return nil
}
