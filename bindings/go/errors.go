// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"io/fs"

	"certstore/internal/raw"
)

// Status is what a call came to: the library's own status, and an error for errors.Is. Each asks for a different action.
type Status int

// The values of Status. errors.Is(err, ErrPassword) tells them; ErrNotFound is also fs.ErrNotExist, ErrExists fs.ErrExist and ErrReadOnly
// fs.ErrPermission.
const (
	ErrArgument    Status = 1  // the call is wrong as written; mend the program
	ErrMemory      Status = 2  // no memory
	ErrIO          Status = 3  // the system refused a read or a write; Cause says which and why
	ErrNotFound    Status = 4  // no such store, alias or generation
	ErrExists      Status = 5  // something of that name is there already
	ErrPassword    Status = 6  // the passphrase is wrong, or none was given and one is needed
	ErrNoMAC       Status = 7  // the store carries no integrity check, and the caller asked for one
	ErrTampered    Status = 8  // the passphrase is right, and the content is not what was sealed with it
	ErrUnsupported Status = 9  // an algorithm or a format that cannot be used here
	ErrTruncated   Status = 10 // the input ends too early
	ErrMalformed   Status = 11 // the input is not what its format demands
	ErrLimit       Status = 12 // over a ceiling; see WithLimit
	ErrConflict    Status = 13 // somebody else changed the store since it was read; read it again
	ErrLocked      Status = 14 // another transaction holds the store
	ErrReadOnly    Status = 15 // this place or format cannot be written
	ErrNoSpace     Status = 16 // the disk or the quota is full
	ErrPending     Status = 17 // a transaction that a crash cut short holds the store and cannot be settled from here
	ErrLossy       Status = 18 // the target format cannot hold everything; see Bundle.Losses
	ErrMismatch    Status = 19 // the certificate does not carry the private key's public key
	ErrInDoubt     Status = 20 // the commit point may have passed; Recover decides
	ErrUnavailable Status = 21 // no such token now: not plugged in, removed, or out of order; bring it back and try again
	ErrBound       Status = 22 // the private key does not leave its token; use it there: Entry.Signer, Entry.Decrypter
)

// ErrClosed is returned where a store, bundle or entry was closed before, or is nil.
var ErrClosed = fs.ErrClosed

// String is the status's name: "PASSWORD", "IN_DOUBT".
func (s Status) String() string { return raw.Certstore_status_name(raw.Enum_SS_certstore_status(s)) }

func (s Status) Error() string { return "certstore: " + s.String() }

// Is makes the statuses that Go has errors of its own for equal to those.
func (s Status) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return s == ErrNotFound
	case fs.ErrExist:
		return s == ErrExists
	case fs.ErrPermission:
		return s == ErrReadOnly
	}
	return false
}

// Error is every error of the library. None ever holds a secret.
type Error struct {
	Op      string // what was being done: "open", "read", "commit" ...
	Status  Status
	Message string // one line for people: "NOUN: what is wrong; what to do"
	Cause   string // the underlying reason in its own words; "" where there is none
	Subject string // the URI, path or alias it is about; "" where it is about none
}

func (e *Error) Error() string {
	message := "certstore: " + e.Op + ": " + e.Message
	if e.Cause != "" {
		message += " (" + e.Cause + ")"
	}
	return message
}

// Unwrap gives the status, so that errors.Is(err, ErrConflict) works.
func (e *Error) Unwrap() error { return e.Status }
