package report

import (
	"fmt"

	"vpnd/internal/engine"
)

// Done writes what became of one change, as it happens.
func (t Text) Done(c engine.Change, err error) {
	if err != nil {
		t.printf("  %s %s: %s\n", t.paint(red, "✗"), c.ID, clean(err.Error()))
		return
	}
	s := signs[c.Action]
	t.printf("  %s %s\n", t.paint(s.color, s.text), c.ID)
}

// Report writes the last line of an apply, or of another command that changes the
// host.
func (t Text) Report(command string, r engine.Report) {
	var done, failed, skipped int
	for _, result := range r.Results {
		switch {
		case result.Skipped:
			skipped++
		case result.Err != nil:
			failed++
		default:
			done++
		}
	}
	if failed+skipped == 0 && r.Err == nil {
		t.printf("%s\n", t.paint(green, "Done: "+Count(done, "change")+"."))
		return
	}
	t.printf("%s\n", t.paint(red, fmt.Sprintf("Not done: %s made, %d failed, %d skipped. The next %s continues.", Count(done, "change"), failed, skipped, command)))
}
