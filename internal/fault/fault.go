// Package fault names the failures that a person can do something about, each with a sentence for them.
package fault

import (
	"errors"
	"fmt"
)

// Kind is the sort of an expected failure; the web maps it to a status, the command line to an exit code.
type Kind string

// The kinds of expected failure.
const (
	NotFound        Kind = "not_found"
	Invalid         Kind = "invalid"
	Conflict        Kind = "conflict"
	Forbidden       Kind = "forbidden"
	Unauthenticated Kind = "unauthenticated"
	TooLarge        Kind = "too_large"
	TooMany         Kind = "too_many"
	Unavailable     Kind = "unavailable"
)

// Error is an expected failure. Message is a full sentence for the person.
type Error struct {
	Kind    Kind
	Message string
	Fields  map[string]string // by form field, for Invalid
	Cause   error             // for the log only
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Message, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Message)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes a failure of a kind with a sentence for the person.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Missing says that a thing does not exist, or not for this person.
func Missing(thing string) *Error {
	return New(NotFound, "There is no such %s, or you may not see it.", thing)
}

// Denied says that the person lacks the right.
func Denied(message string) *Error { return New(Forbidden, "%s", message) }

// Field makes an Invalid failure for one form field.
func Field(name, message string) *Error {
	return &Error{Kind: Invalid, Message: message, Fields: map[string]string{name: message}}
}

// Fields collects the failures of a form.
type Fields map[string]string

// Add notes the first failure of a field.
func (f Fields) Add(name, message string) {
	if _, seen := f[name]; !seen {
		f[name] = message
	}
}

// Err is nil when nothing was added.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	message := "Some fields need your attention."
	if len(f) == 1 {
		for _, m := range f {
			message = m
		}
	}
	return &Error{Kind: Invalid, Message: message, Fields: f}
}

// As finds the expected failure in an error chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Is reports whether the error is an expected failure of that kind.
func Is(err error, kind Kind) bool {
	e, ok := As(err)
	return ok && e.Kind == kind
}
