// Package unit converges units of systemd.
package unit

// Unit is a unit of systemd. Its name is the unit's, with its suffix. vpnd
// never edits a unit file of others: what shall differ goes into a drop-in.
type Unit struct {
	Enabled  *bool    `vpnd:"enabled" doc:"whether it starts at boot"`
	Active   *bool    `vpnd:"active" doc:"whether it runs now"`
	OnChange *string  `vpnd:"on_change,hint" doc:"what a change of what it reads does to it: reload, restart or none" default:"restart"`
	Dropins  []Dropin `vpnd:"dropin,block" doc:"a drop-in of the unit"`
}

// Dropin is a drop-in of a unit, see systemd.unit(5).
type Dropin struct {
	Name    string  `vpnd:"name,label" doc:"file name without .conf"`
	Content *string `vpnd:"content,text,required" doc:"what the drop-in holds"`
}
