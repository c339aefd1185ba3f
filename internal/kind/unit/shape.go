// Package unit converges units of systemd.
package unit

import "vpnd/internal/resource"

// Unit is a unit of systemd. Its name is the unit's, with its suffix. vpnd
// never edits a unit file of others: what shall differ goes into a drop-in.
//
// A unit that isn't installed is neither enabled nor active and is observed as
// such, never as nothing: so a block that brought a service to life and goes
// again also ends it.
type Unit struct {
	Enabled       *bool                      `vpnd:"enabled,glance" doc:"whether it starts at boot; true also lifts a mask"`
	Active        *bool                      `vpnd:"active,runs,glance" doc:"whether it runs now"`
	OnChange      *string                    `vpnd:"on_change,hint" doc:"what a change of what it reads does to it: reload, restart or none" default:"restart"`
	Log           *string                    `vpnd:"log,hint" doc:"a file that its program logs to instead of the journal; where it does not start, the error repeats the end of it"`
	Dropins       []Dropin                   `vpnd:"dropin,block" doc:"a drop-in of the unit, by the name of its file without .conf"`
	OtherDropins  map[string]string          `vpnd:"other_dropins,text,shared" doc:"which drop-ins of others the unit has in its own directories below /etc/systemd and /run/systemd, by path, with what they hold; {} is for none, left out they count and stay, and are told as a note"`
	Reloads       *bool                      `vpnd:"reloads,computed" doc:"whether it can reload; one that can't is restarted where a reload is asked for"`
	Own           *bool                      `vpnd:"own,computed" doc:"whether vpnd wrote the unit file too"`
	Others        *string                    `vpnd:"has_drop-ins_of_others,computed,hint" doc:"drop-ins of somebody else, which count and stay; empty where there are none"`
	ClosedDropins map[string]resource.Secret `vpnd:"closed_dropins,computed,hint" doc:"what those drop-ins of others hold that not all may read"`
	Masked        *string                    `vpnd:"masked,computed,hint" doc:"which mask is lifted, since enabled is true; it is given back"`
	Failed        *string                    `vpnd:"failed,computed,hint" doc:"how it failed where systemd starts it no more by itself; empty otherwise"`
}

// Dropin is a drop-in of a unit, see systemd.unit(5). It stands in
// /etc/systemd/system/UNIT.d/NAME.conf. A file of somebody else that stands
// there is set aside as NAME.conf.vpnd-saved, and put back when the drop-in
// goes.
type Dropin struct {
	Name    string  `vpnd:"name,label" doc:"file name without .conf"`
	Content *string `vpnd:"content,text,required" doc:"what the drop-in holds"`
}

// EffectOf says what a refresh does in truth: a unit that can't reload is
// restarted. It is meant for observations.
func (u *Unit) EffectOf(how resource.Effect) resource.Effect {
	if how == resource.Reload && u.Reloads != nil && !*u.Reloads {
		return resource.Restart
	}
	return how
}
