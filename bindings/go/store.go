// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"certstore/internal/raw"
)

// Store is where certificates and keys live. It may be shared by goroutines; reads of one store follow one another. Close it, or the collector
// will.
type Store struct {
	h           *handle[raw.Struct_SS_certstore]
	uri, format string
	lockTimeout time.Duration
	serial      uint64 // stores are locked together in the order in which they were opened
}

var opened atomic.Uint64

// Capability is a set of what a format or a place can do.
type Capability uint32

// What Store.Capabilities may hold.
const (
	CanRead          Capability = 1
	CanWrite         Capability = 2
	CanTrusted       Capability = 4    // holds trusted certificates
	CanKeys          Capability = 8    // holds private keys
	CanSecrets       Capability = 16   // holds secret keys
	CanCRLs          Capability = 32   // holds revocation lists
	CanAliases       Capability = 64   // keeps the alias of every entry
	CanTrustPurposes Capability = 128  // keeps what a certificate is trusted for
	CanDates         Capability = 256  // keeps when an entry was made
	CanKeyPasswords  Capability = 512  // a passphrase for each key
	CanIntegrity     Capability = 1024 // an integrity check over the whole store
	CanGenerate      Capability = 2048 // makes keys itself: GenerateKey
	CanWrap          Capability = 4096 // lets a key out wrapped by another, and in again: WrapKey, UnwrapKey
	CanMarkTrusted   Capability = 8192 // its security officer marks what is trusted for "any": WithSOPIN
)

// Version is the version of the library that is running.
func Version() string { return raw.Certstore_version() }

// Capabilities of a format by its name; 0 for an unknown one.
func Capabilities(format string) Capability { return Capability(raw.Certstore_capabilities(format)) }

// Formats are the formats that the library knows.
func Formats() []string {
	var names []string
	for name := raw.Certstore_format_at(0); name != ""; name = raw.Certstore_format_at(len(names)) {
		names = append(names, name)
	}
	return names
}

// Open opens a store by URI: "pem:PATH", "pem:PATH?key=PATH", "pemdir:PATH", "pkcs12:PATH", "jks:PATH", "jceks:PATH", "bks:PATH", or a bare path,
// recognised by its content. The store need not exist yet. What a crash left pending on it is settled first.
func Open(uri string, opts ...Option) (*Store, error) {
	return OpenContext(context.Background(), uri, opts...)
}

// OpenContext is Open whose wait for another transaction ends with the context.
func OpenContext(ctx context.Context, uri string, opts ...Option) (store *Store, err error) {
	if err := text("open", uri); err != nil {
		return nil, err
	}
	err = withOptions(opts, func(s *settings) error {
		return waiting(ctx, s.lockTimeout, func() error {
			var ptr raw.Struct_SS_certstore
			err := call("open", func(err raw.Struct_SS_certstore_error) { ptr = raw.Certstore_open(uri, s.opts, err) })
			if err == nil {
				store = &Store{own(ptr, raw.Certstore_free), raw.Certstore_uri(ptr), raw.Certstore_format(ptr), s.lockTimeout, opened.Add(1)}
			}
			return err
		})
	})
	return store, err
}

// waiting calls attempt, which waits a slice for other transactions, until it gets through, fails otherwise, or time or context end it.
func waiting(ctx context.Context, timeout time.Duration, attempt func() error) error {
	deadline := time.Now().Add(timeout)
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("certstore: not begun: %w", err)
		}
		err := attempt()
		if !errors.Is(err, ErrLocked) || !time.Now().Before(deadline) {
			return err
		}
	}
}

// Close frees the store; closing it again does nothing. Bundles read from it stay usable.
func (s *Store) Close() error {
	if s != nil && s.h != nil {
		s.h.close()
	}
	return nil
}

func (s *Store) handle() *handle[raw.Struct_SS_certstore] {
	if s == nil {
		return nil
	}
	return s.h
}

// URI is the store's URI with its format, without any passphrase.
func (s *Store) URI() string {
	if s == nil {
		return ""
	}
	return s.uri
}

// Format is "pem", "pemdir", "pkcs12", "jks", "jceks" or "bks".
func (s *Store) Format() string {
	if s == nil {
		return ""
	}
	return s.format
}

// Exists says whether the store exists; false also where that could not be found out.
func (s *Store) Exists() (exists bool) {
	_ = s.handle().read(func(p raw.Struct_SS_certstore) error {
		exists = raw.Certstore_exists(p) != 0
		return nil
	})
	return exists
}

// bundleFrom runs a call that reads a bundle from the store.
func (s *Store) bundleFrom(op string, f func(raw.Struct_SS_certstore, raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_bundle) (*Bundle, error) {
	var bundle *Bundle
	err := s.handle().change(func(p raw.Struct_SS_certstore) error {
		var ptr raw.Struct_SS_certstore_bundle
		err := call(op, func(err raw.Struct_SS_certstore_error) { ptr = f(p, err) })
		if err == nil {
			bundle = newBundle(ptr)
		}
		return err
	})
	return bundle, err
}

// Read reads the whole store; one that does not exist reads as an empty bundle. Certificates and keys are parsed only when asked for.
func (s *Store) Read() (*Bundle, error) { return s.bundleFrom("read", raw.Certstore_read) }

// ReadContext is Read that a context can end: a derivation of millions of iterations takes seconds. The work itself goes on, and what it yields is
// freed.
func (s *Store) ReadContext(ctx context.Context) (*Bundle, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("certstore: read: %w", err)
	}
	if ctx.Done() == nil {
		return s.Read()
	}
	type result struct {
		bundle *Bundle
		err    error
	}
	done := make(chan result, 1)
	go func() {
		bundle, err := s.Read()
		done <- result{bundle, err}
	}()
	select {
	case r := <-done:
		return r.bundle, r.err
	case <-ctx.Done():
		go func() { _ = (<-done).bundle.Close() }()
		return nil, fmt.Errorf("certstore: read: %w", ctx.Err())
	}
}

// Changed says whether the store may have changed since the bundle was read from it, at the price of one stat a file; true for what is closed.
func (s *Store) Changed(b *Bundle) bool {
	changed := true
	_ = s.handle().read(func(p raw.Struct_SS_certstore) error {
		return b.read(func(q raw.Struct_SS_certstore_bundle) error {
			changed = raw.Certstore_changed(p, q) != 0
			return nil
		})
	})
	return changed
}

// Generation is the store's generation now; 0 while no transaction has touched it.
func (s *Store) Generation() (number int64, err error) {
	err = s.handle().change(func(p raw.Struct_SS_certstore) error {
		return call("generation", func(err raw.Struct_SS_certstore_error) { number = raw.Certstore_generation(p, err) })
	})
	return number, err
}

// ReadGeneration reads an earlier generation.
func (s *Store) ReadGeneration(number int64) (*Bundle, error) {
	return s.bundleFrom("read generation", func(p raw.Struct_SS_certstore, err raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_bundle {
		return raw.Certstore_generation_read(p, number, err)
	})
}

// Generation is one row of a store's history.
type Generation struct {
	Number int64
	Time   time.Time // zero where it is no longer known
	Actor  string
	Note   string
	Txn    string
	SHA256 string // 64 hexadecimal digits of the store's bytes; "" where it did not exist
	Kept   bool   // its bytes are there, so that Tx.Restore can go back to it
}

// History lists the store's generations, oldest first.
func (s *Store) History() (rows []Generation, err error) {
	err = s.handle().change(func(p raw.Struct_SS_certstore) error {
		return call("history", func(err raw.Struct_SS_certstore_error) {
			h := raw.Certstore_history_read(p, err)
			defer raw.Certstore_history_free(h)
			for i := 0; !null(h) && i < raw.Certstore_history_count(h); i++ {
				rows = append(rows, Generation{
					Number: raw.Certstore_history_generation(h, i),
					Time:   seconds(raw.Certstore_history_time(h, i)),
					Actor:  raw.Certstore_history_actor(h, i),
					Note:   raw.Certstore_history_note(h, i),
					Txn:    raw.Certstore_history_txn(h, i),
					SHA256: raw.Certstore_history_sha256(h, i),
					Kept:   raw.Certstore_history_kept(h, i) != 0,
				})
			}
		})
	})
	return rows, err
}

// seconds since 1970 as a time in UTC; zero where the library says nothing.
func seconds(s int64) time.Time {
	if s == math.MinInt64 || s == math.MaxInt64 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// Recover settles what is pending on this store, whichever state directory it was begun in, and what a crash left beside it.
func (s *Store) Recover() (rows []Finding, err error) {
	err = s.handle().change(func(p raw.Struct_SS_certstore) error {
		return call("recover", func(err raw.Struct_SS_certstore_error) { rows = ownFindings(raw.Certstore_recover_store(p, err)) })
	})
	return rows, err
}

// Recover settles every transaction in the state directory that a crash left behind, a row for each. It may be called again.
func Recover(ctx context.Context, opts ...Option) (rows []Finding, err error) {
	err = withOptions(opts, func(s *settings) error {
		return waiting(ctx, s.lockTimeout, func() error {
			return call("recover", func(err raw.Struct_SS_certstore_error) { rows = ownFindings(raw.Certstore_recover(s.opts, err)) })
		})
	})
	return rows, err
}

// Pending says what is pending in the state directory, without touching it.
func Pending(opts ...Option) (rows []Finding, err error) {
	err = withOptions(opts, func(s *settings) error {
		return call("pending", func(err raw.Struct_SS_certstore_error) { rows = ownFindings(raw.Certstore_pending(s.opts, err)) })
	})
	return rows, err
}
