package functions

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"vpnd/internal/config/bounds"
	"vpnd/internal/config/value"
)

func anyParam() function.Parameter {
	return function.Parameter{Name: "value", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowNull: true, AllowMarked: true, AllowDynamicType: true}
}

func sameType(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil }

var sensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam()},
	Type:   sameType,
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0].Mark(value.Sensitive), nil },
})

var nonsensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam()},
	Type:   sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, _ := args[0].UnmarkDeep()
		return v, nil
	},
})

// credentialFunc reads a credential that systemd handed over, see
// systemd.exec(5).
func credentialFunc(directory string) function.Function {
	return pathFunc(cty.String, func(name string) (cty.Value, error) {
		switch {
		case directory == "":
			return cty.NilVal, errors.New("there is no directory of credentials: systemd makes one for a unit with LoadCredential= and names it in CREDENTIALS_DIRECTORY")
		case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
			return cty.NilVal, errors.New("the name of a credential is a plain file name")
		}
		data, err := bounds.Regular(filepath.Join(directory, name))
		if err != nil {
			return cty.NilVal, fmt.Errorf("reading credential %q: %s", name, bounds.Reason(err))
		}
		if !utf8.Valid(data) {
			return cty.NilVal, fmt.Errorf("credential %q is no UTF-8 text", name)
		}
		return cty.StringVal(string(data)).Mark(value.Sensitive), nil
	})
}
