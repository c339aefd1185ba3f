package notice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is not as it was is told of, what is down now and then again, and what can't be
// looked at ends the patrol.
func TestPatrol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, told := time.Now(), []string(nil)
		second := func() int { return int(time.Since(begun) / time.Second) }
		broken := errors.New("broken")
		err := Patrol(t.Context(), time.Second, []Look{
			{Every: 1, At: func(context.Context) (map[string]Glance, error) {
				if second() == 9 {
					return nil, broken
				}
				return map[string]Glance{"a": {Up: second() != 3}, "b": {Up: true}}, nil
			}},
			{Every: 4, Again: true, At: func(context.Context) (map[string]Glance, error) {
				return map[string]Glance{"a": {Up: true}, "b": {Words: fmt.Sprint(second() < 6)}}, nil
			}},
		}, func(name string) { told = append(told, fmt.Sprint(second(), name)) })
		if got := strings.Join(told, " "); got != "0 3a 4a 4b 8b" || !errors.Is(err, broken) {
			t.Errorf("%s, %v", got, err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Patrol(ctx, time.Second, []Look{{Every: 1, At: func(context.Context) (map[string]Glance, error) { return nil, errors.New("x") }}}, func(string) {}); err != nil {
		t.Errorf("ended, and told of %v", err)
	}
}
