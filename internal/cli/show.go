package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/cli/view"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [ADDRESS]",
		Short: "Show what is recorded of a block or a resource, secrets masked",
		Args:  cobra.MaximumNArgs(1),

		ValidArgsFunction: a.completes(addressWords),

		RunE: func(c *cobra.Command, args []string) error {
			store, err := state.Read(a.dir(nil))
			if err != nil {
				return err
			}
			records, err := recorded(store, args)
			if err != nil {
				return err
			}
			for _, r := range records {
				a.showRecord(r, len(args) == 1)
				if len(args) == 1 {
					a.showHost(c.Context(), r.ID)
				}
			}
			return nil
		},
	}
}

func (a *app) showRecord(r state.Record, whole bool) {
	var blocks []string
	for _, o := range r.Owners {
		blocks = append(blocks, o.Block.String())
	}
	_, _ = fmt.Fprintf(a.Out, "%s  for %s, since %s", r.ID, strings.Join(blocks, ", "), r.Since.Format(time.RFC3339))
	if r.Prior != "" {
		_, _ = fmt.Fprint(a.Out, ", taken over")
	}
	_, _ = fmt.Fprintln(a.Out)
	if !whole {
		return
	}
	fields := a.fields(r.ID.Kind)
	for attr, value := range r.Want.All() {
		f, known := fields[attr]
		if f.Computed && (!f.Glance || value == "[]" || value == "true") { // what vpnd finds out, and nobody asked for
			continue
		}
		_, _ = fmt.Fprintf(a.Out, "  %s = %s\n", attr, shown(value, !known || f.IsSecret()))
	}
}

// showHost tells of a thing what is in no record and people look for, as the public
// half of a key: what stands on the host now. What can't be looked at is left out.
func (a *app) showHost(ctx context.Context, id resource.ID) {
	k, ok := a.catalog().Kind(id.Kind)
	if !ok || a.catalog().Image && k.NeedsHost {
		return
	}
	var told []resource.Field
	for _, f := range resource.Fields(reflect.TypeOf(k.New())) {
		if f.Computed && f.Hint && f.Glance && !f.IsSecret() {
			told = append(told, f)
		}
	}
	if len(told) == 0 {
		return
	}
	seen := k.Observe(ctx, map[string]any{id.Name: nil})[id.Name]
	if seen.Got == nil {
		return
	}
	for _, f := range told {
		if v := reflect.Indirect(reflect.ValueOf(seen.Got).Elem().Field(f.Index)); v.IsValid() {
			_, _ = fmt.Fprintf(a.Out, "  %s = %q\n", f.Name, view.Printable(fmt.Sprint(v.Interface())))
		}
	}
}

// fields are the attributes of a kind by name; none of one that this vpnd does not
// know.
func (a *app) fields(kind string) map[string]resource.Field {
	fields := make(map[string]resource.Field)
	if k, ok := a.catalog().Kind(kind); ok {
		for _, f := range resource.Fields(reflect.TypeOf(k.New())) {
			fields[f.Name] = f
		}
	}
	return fields
}

// shown writes a value as people do: a list an item a line. Of what the state
// holds as a digest only, it says why.
func shown(value string, secret bool) string {
	var items []string
	switch {
	case strings.Contains(value, `"hmac-sha256:`) && secret:
		return resource.Masked
	case strings.HasPrefix(value, `"hmac-sha256:`):
		return "(recorded as a digest)"
	case json.Unmarshal([]byte(value), &items) == nil && len(items) > 1:
		var b strings.Builder
		for _, item := range items {
			fmt.Fprintf(&b, "    %q,\n", view.Printable(item))
		}
		return "[\n" + b.String() + "  ]"
	}
	return view.Printable(value)
}
