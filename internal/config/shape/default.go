package shape

import (
	"fmt"
	"reflect"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"vpnd/internal/resource"
)

// setDefault fills in the default of a tag, which is written as plain text or,
// for a list or map, as JSON. That it can't be read is a mistake of ours.
func setDefault(dst reflect.Value, f resource.Field) {
	v := cty.StringVal(f.Default)
	if f.Type.Kind() == reflect.Slice || f.Type.Kind() == reflect.Map {
		t, err := ctyjson.ImpliedType([]byte(f.Default))
		if err == nil {
			v, err = ctyjson.Unmarshal([]byte(f.Default), t)
		}
		if err != nil {
			panic(fmt.Sprintf("shape: default of %s: %v", f.Name, err))
		}
	}
	if faults := convertTo(dst, v, ""); len(faults) > 0 {
		panic(fmt.Sprintf("shape: default of %s does not fit it: %q", f.Name, f.Default))
	}
}
