package shape

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"vpnd/internal/resource"
)

// setDefault fills in the default of a tag. It is read once, and what is filled in is a
// copy, for a shape belongs to who has it.
func setDefault(dst reflect.Value, f resource.Field) {
	key := tagged{dst.Type(), f.Default}
	known, ok := defaults.Load(key)
	if !ok {
		v := reflect.New(dst.Type()).Elem()
		readDefault(v, f)
		known, _ = defaults.LoadOrStore(key, v)
	}
	dst.Set(copied(known.(reflect.Value)))
}

// tagged is a type with the default of a tag.
type tagged struct {
	of   reflect.Type
	text string
}

var defaults sync.Map // tagged → reflect.Value

// readDefault reads a default, which is written as plain text or, for a list or map, as
// JSON. That it can't be read is a mistake of ours.
func readDefault(dst reflect.Value, f resource.Field) {
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

// copied returns a value that has nothing in common with another one.
func copied(v reflect.Value) reflect.Value {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		p := reflect.New(v.Type().Elem())
		p.Elem().Set(copied(v.Elem()))
		return p
	case v.Kind() == reflect.Slice && !v.IsNil():
		list := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			list.Index(i).Set(copied(v.Index(i)))
		}
		return list
	case v.Kind() == reflect.Map && !v.IsNil():
		items := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			items.SetMapIndex(it.Key(), copied(it.Value()))
		}
		return items
	}
	return v
}
