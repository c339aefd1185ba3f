package daemon

import (
	"fmt"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/state"
)

func TestHistoryTellsOfEachDriftThatIsLeftAlone(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "1"}, observe)
		r.reload()
		told := 0
		move := func(text, by string, news int) {
			t.Helper()
			r.touch("a", text, by)
			r.rest()
			before := told
			told = 0
			r.as(func(e *engine.Engine) error {
				past, err := e.Store.History()
				for _, entry := range past {
					if entry.Command == state.Noticed {
						told++
					}
				}
				return err
			})
			if told-before != news {
				t.Errorf("%s by %s: told %d times instead of %d", text, by, told-before, news)
			}
		}
		move("2", "sed (process 1)", 1)
		move("3", "", 1)
		move("1", "", 0)
		move("3", "sed (process 1)", 0)
		move("1", "", 0)
		move("3", "vim (process 3)", 1)
		move("2", "sed (process 1)", 1)
		time.Sleep(rarely)
		move("1", "", 0)
		move("2", "sed (process 1)", 1)
	})
}

func TestMentionsAreBounded(t *testing.T) {
	var m mentions
	now, told := time.Now(), 0
	for i := range 600 { // ten minutes
		what := fmt.Sprint(i % 7)
		now = now.Add(time.Second)
		if m = m.lately(now); m.lacks(what) {
			m = mentions{what, append(m.at, now)}
			told++
		}
	}
	if told < 10*(mostInHistory-1) || told > 10*(mostInHistory+1) {
		t.Errorf("told %d times in ten minutes", told)
	}
}
