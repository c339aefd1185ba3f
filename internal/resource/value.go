package resource

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// A Duration is a length of time as users write it: a whole number and a unit,
// one or more times, as in 90d, 12h or 1h30m. A day is 24 hours and a week
// seven days.
type Duration time.Duration

// Day and Week are the units that package time leaves out.
const (
	Day  = Duration(24 * time.Hour)
	Week = 7 * Day
)

var units = []struct {
	suffix string
	length Duration
}{
	{"w", Week},
	{"d", Day},
	{"h", Duration(time.Hour)},
	{"m", Duration(time.Minute)},
	{"s", Duration(time.Second)},
}

// ParseDuration reads a duration such as 90d, 12h or 1h30m.
func ParseDuration(s string) (Duration, error) {
	bad := fmt.Errorf("%q is no duration; write a number and a unit (w, d, h, m, s), as in 90d or 12h", s)
	var total Duration
	for rest := s; rest != ""; {
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 {
			return 0, bad
		}
		n, err := strconv.ParseInt(rest[:i], 10, 32)
		unit := unitOf(rest[i])
		if err != nil || unit == 0 || n > int64((1<<63-1-total)/unit) {
			return 0, bad
		}
		total += Duration(n) * unit
		rest = rest[i+1:]
	}
	if s == "" {
		return 0, bad
	}
	return total, nil
}

func unitOf(suffix byte) Duration {
	for _, u := range units {
		if u.suffix[0] == suffix {
			return u.length
		}
	}
	return 0
}

// String writes the duration in the largest unit that divides it, or in
// several. Fractions of a second are dropped.
func (d Duration) String() string {
	for _, u := range units[1:] {
		if d >= u.length && d%u.length == 0 {
			return strconv.FormatInt(int64(d/u.length), 10) + u.suffix
		}
	}
	var b strings.Builder
	for _, u := range units[1:] {
		if n := d / u.length; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.suffix)
			d %= u.length
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// Seconds returns the duration in whole seconds.
func (d Duration) Seconds() int64 { return int64(time.Duration(d) / time.Second) }

// MarshalText returns String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is [ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// A Mode is the permission bits of a file, written in octal: 0644. The set-id
// and sticky bits are the leading octal digit, as in chmod(1).
type Mode uint32

// ModeOf returns the permission, set-id and sticky bits of m as chmod(1)
// counts them.
func ModeOf(m fs.FileMode) Mode {
	mode := Mode(m.Perm())
	if m&fs.ModeSetuid != 0 {
		mode |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		mode |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		mode |= 0o1000
	}
	return mode
}

// FileMode returns the bits as package fs counts them.
func (m Mode) FileMode() fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	if m&0o4000 != 0 {
		mode |= fs.ModeSetuid
	}
	if m&0o2000 != 0 {
		mode |= fs.ModeSetgid
	}
	if m&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

// String returns four octal digits.
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// MarshalText returns String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads octal digits.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 12)
	if err != nil {
		return fmt.Errorf("%q is no file mode; write octal digits in quotes, as in \"0600\"", text)
	}
	*m = Mode(n)
	return nil
}

// Ptr returns a pointer to v, since a shape's attributes are pointers.
func Ptr[T any](v T) *T { return &v }

// Or returns what p points to, and otherwise where an attribute was not given.
func Or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
