package resource

import "errors"

// A NameError is an error about one of many.
type NameError struct {
	Name string
	Err  error
}

// Error returns the text of the error without the name, which the engine adds.
func (e *NameError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *NameError) Unwrap() error { return e.Err }

// ErrNoTool is what an error of Observe wraps where the program is missing that
// would show the thing. What is on record is unknown then. What is not can't be
// there by vpnd's doing, and the package that brings the program may be part of
// the same plan.
var ErrNoTool = errors.New("the program that shows it is missing")

// Each returns the errors that were joined into err, however deep; err itself
// where it is only one, and none of nil.
func Each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, Each(one)...)
	}
	return all
}

// Split takes a joined error apart: what concerns single names, and the rest.
func Split(err error) (named map[string]error, general error) {
	named = make(map[string]error)
	var rest []error
	for _, one := range Each(err) {
		var n *NameError
		if errors.As(one, &n) {
			named[n.Name] = errors.Join(named[n.Name], n.Err)
			continue
		}
		rest = append(rest, one)
	}
	return named, errors.Join(rest...)
}
