package functions

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func textParam(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.String}
}

// textFunc makes a function from text to text that can't fail.
func textFunc(f func(string) string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("text")},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(f(args[0].AsString())), nil
		},
	})
}

func encodeBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func encodeURL(s string) string { return url.QueryEscape(s) }

func baseName(s string) string { return path.Base(s) }

func dirName(s string) string { return path.Dir(s) }

func base64SHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func hexSHA512(s string) string {
	sum := sha512.Sum512([]byte(s))
	return hex.EncodeToString(sum[:])
}

var base64DecodeFunc = function.New(&function.Spec{
	Params: []function.Parameter{textParam("text")},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		data, err := base64.StdEncoding.DecodeString(args[0].AsString())
		if err != nil {
			return cty.NilVal, errors.New("this is no base64")
		}
		if !utf8.Valid(data) {
			return cty.NilVal, errors.New("what is encoded here is no UTF-8 text")
		}
		return cty.StringVal(string(data)), nil
	},
})

// testFunc makes a function that compares two texts.
func testFunc(f func(text, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("text"), textParam("part")},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

func hasPrefix(s, part string) bool { return strings.HasPrefix(s, part) }

func hasSuffix(s, part string) bool { return strings.HasSuffix(s, part) }

func hasPart(s, part string) bool { return strings.Contains(s, part) }
