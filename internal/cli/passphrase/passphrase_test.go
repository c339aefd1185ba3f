package passphrase

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLine(t *testing.T) {
	long := strings.Repeat("x", most)
	for text, want := range map[string]string{"": "", "one": "one", "one\ntwo\n": "one", "one\r\n": "one", " one ": " one ", long: long} {
		if got, err := line(strings.NewReader(text)); err != nil || got != want {
			t.Errorf("%.20q: %.20q, %v", text, got, err)
		}
	}
	if got, err := line(strings.NewReader(long + "x")); err == nil || got != "" {
		t.Errorf("of a line that is too long %d bytes are a passphrase: %v", len(got), err)
	}
	torn := errors.New("torn")
	if _, err := line(iotest.ErrReader(torn)); !errors.Is(err, torn) {
		t.Error(err)
	}
}
