// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"math"
	"time"

	"certstore/internal/raw"
)

// Limit names a ceiling on what is read; see WithLimit.
type Limit int

// The ceilings, with the library's defaults.
const (
	LimitFileSize      Limit = 0 // bytes of one file; 256 MiB
	LimitEntries       Limit = 1 // entries of one store; 200,000
	LimitAliasSize     Limit = 2 // bytes of one alias; 65,535
	LimitChainLength   Limit = 3 // certificates of one chain; 64
	LimitCertSize      Limit = 4 // bytes of one certificate, CRL or key; 16 MiB
	LimitKDFIterations Limit = 5 // iterations of one key derivation; 5,000,000
	LimitKDFTotal      Limit = 6 // iterations over one whole read; 10,000,000
	LimitNesting       Limit = 7 // depth of nested structures; 32
)

// Waiting for another transaction is done in slices, between which a context can end it.
const (
	defaultLockTimeout = 10 * time.Second
	lockSlice          = 200 * time.Millisecond
)

type settings struct {
	opts        raw.Struct_SS_certstore_options
	lockTimeout time.Duration
}

// Option says how to open, read and write.
type Option func(*settings, raw.Struct_SS_certstore_error) error

// WithPassword gives the store's passphrase: any bytes, UTF-8 where the format wants text. An empty one is not the same as none.
func WithPassword(password []byte) Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_password(s.opts, password, err)
		return nil
	}
}

// WithKeyPassword gives the passphrase of private and secret keys where it differs from the store's.
func WithKeyPassword(password []byte) Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_key_password(s.opts, password, err)
		return nil
	}
}

// WithEntryPassword gives the passphrase of one entry's key.
func WithEntryPassword(alias string, password []byte) Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_entry_password(s.opts, alias, password, err)
		return text("options", alias)
	}
}

// WithProfile says what readers the written store is for: "java8", "java17", "openssl3", "fips" or "legacy".
func WithProfile(profile string) Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_profile(s.opts, profile, err)
		return text("options", profile)
	}
}

// WithStateDir says where generations, pending transactions and history live.
func WithStateDir(path string) Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_state_dir(s.opts, path, err)
		return text("options", path)
	}
}

// WithActor says whom the history names; at most 255 bytes.
func WithActor(actor string) Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_actor(s.opts, actor, err)
		return text("options", actor)
	}
}

// WithLockTimeout says how long to wait for a store that another transaction holds; 10 seconds without it. A context can end the wait earlier.
func WithLockTimeout(timeout time.Duration) Option {
	return func(s *settings, _ raw.Struct_SS_certstore_error) error {
		if timeout < 0 {
			return &Error{Op: "options", Status: ErrArgument, Message: "lock timeout: it is negative; give 0 or more"}
		}
		s.lockTimeout = timeout
		return nil
	}
}

// WithGenerations says how many generations of each store to keep; 5 without it, 0 keeps none.
func WithGenerations(count int) Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		if count > math.MaxInt32 {
			count = math.MaxInt32
		}
		raw.Certstore_options_set_generations(s.opts, count, err)
		return nil
	}
}

// WithLimit moves a ceiling.
func WithLimit(limit Limit, value uint64) Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_limit(s.opts, raw.Enum_SS_certstore_limit(limit), value, err)
		return nil
	}
}

// WithIntegrity demands an integrity check: reading a store without one fails with ErrNoMAC.
func WithIntegrity() Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_require_integrity(s.opts, 1, err)
		return nil
	}
}

// WithSOPIN gives the PIN of a token's security officer, who marks what is trusted for "any".
func WithSOPIN(pin []byte) Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_so_pin(s.opts, pin, err)
		return nil
	}
}

// WithDestroyKeys lets a commit destroy keys on a token that a bundle no longer holds. Nobody can make them again.
func WithDestroyKeys() Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_destroy_keys(s.opts, 1, err)
		return nil
	}
}

// WithAllowLoss lets a store, or bytes, be written without the entries that the format cannot hold at all: the faults of Bundle.Losses. Without it
// Update and Bundle.Export fail with ErrLossy.
func WithAllowLoss() Option {
	return func(s *settings, err raw.Struct_SS_certstore_error) error {
		raw.Certstore_options_set_allow_loss(s.opts, 1, err)
		return nil
	}
}

// withOptions runs f with the options as the library has them, and wipes them afterwards.
func withOptions(list []Option, f func(*settings) error) error {
	s := settings{lockTimeout: defaultLockTimeout}
	var refused error
	err := call("options", func(err raw.Struct_SS_certstore_error) {
		s.opts = raw.Certstore_options_new(err)
		for _, option := range list {
			if option != nil && refused == nil {
				refused = option(&s, err)
			}
		}
		slice := s.lockTimeout
		if slice > lockSlice {
			slice = lockSlice
		}
		raw.Certstore_options_set_lock_timeout(s.opts, int(slice.Milliseconds()), err)
	})
	defer raw.Certstore_options_free(s.opts)
	if refused != nil {
		return refused
	}
	if err != nil {
		return err
	}
	return f(&s)
}

// StateDir is where the state directory of these options is: an absolute path, which need not exist.
func StateDir(opts ...Option) (dir string, err error) {
	err = withOptions(opts, func(s *settings) error {
		return call("state directory", func(err raw.Struct_SS_certstore_error) {
			dir = string(raw.Take(raw.Certstore_options_export_state_dir(s.opts, err)))
		})
	})
	return dir, err
}
