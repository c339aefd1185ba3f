package compile

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
)

// merge lets a second block own a resource, if it asks for the same.
func (c *compiler) merge(first *wish, r resource.Resource, b *block) {
	if !resource.Equal(first.Want, r.Want) {
		other := first.blocks[0]
		c.told.Error(b.Range, "Conflict between two blocks", "%s and %s (%s) both want %s, but not the same: %s. Take it out of one of them, or let both ask for the same.",
			b.ID, other.ID, diag.Where(other.Range), r.ID, differences(first.Want, r.Want))
		return
	}
	if !slices.Contains(first.blocks, b) {
		first.blocks = append(first.blocks, b)
		first.Owners = append(first.Owners, b.owner())
		b.owned = append(b.owned, r.ID)
	}
	first.After = append(first.After, r.After...)
	first.Requires = append(first.Requires, r.Requires...)
	first.Brings = append(first.Brings, r.Brings...)
	for _, t := range r.Triggers {
		if !slices.Contains(first.Triggers, t) {
			first.Triggers = append(first.Triggers, t)
		}
	}
}

// differences names the attributes in which two wishes differ, with their
// values where those are short and no secrets.
func differences(first, second any) string {
	if reflect.TypeOf(first) != reflect.TypeOf(second) {
		return "they are not of one kind"
	}
	values := make(map[string]string)
	for _, d := range resource.Compare(second, first) {
		values[d.Attribute] = contrast(d.Before, d.After)
	}
	for _, d := range resource.Compare(first, second) {
		values[d.Attribute] = contrast(d.After, d.Before)
	}
	x, y := reflect.ValueOf(first).Elem(), reflect.ValueOf(second).Elem()
	var words []string
	for _, f := range resource.Fields(x.Type()) {
		switch {
		case resource.Equal(x.Field(f.Index).Interface(), y.Field(f.Index).Interface()):
		case f.IsSecret() || values[f.Name] == "":
			words = append(words, f.Name+" differs")
		default:
			words = append(words, f.Name+" is "+values[f.Name])
		}
	}
	return strings.Join(words, "; ")
}

func contrast(here, there string) string {
	if len(here)+len(there) > 80 || strings.Contains(here+there, "\n") {
		return ""
	}
	return fmt.Sprintf("%s here and %s there", cmp.Or(here, "left out"), cmp.Or(there, "left out"))
}
