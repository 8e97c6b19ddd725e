// SPDX-License-Identifier: Apache-2.0

package certstore

import "certstore/internal/raw"

// KeyPolicy says what a key that is made on a token, or brought back to it, may do. None: it stays there, and its alias must be free.
type KeyPolicy uint32

// The bits of a KeyPolicy.
const (
	KeyExtractable        KeyPolicy = 1  // it may leave the token wrapped by another key
	KeyReadable           KeyPolicy = 2  // it may be read out as it is
	KeyAlwaysAuthenticate KeyPolicy = 4  // the PIN is presented for each use
	KeyReuse              KeyPolicy = 8  // a key that the alias has already is taken as it is
	KeyRotate             KeyPolicy = 16 // a new key beside the one that the alias has
)

// Capabilities are what the store can do: its format's, without what its token cannot.
func (s *Store) Capabilities() (can Capability) {
	_ = s.handle().read(func(p raw.Struct_SS_certstore) error {
		can = Capability(raw.Certstore_store_capabilities(p))
		return nil
	})
	return can
}

// arrived is a new key's entry, made while nobody else uses the store.
func (s *Store) arrived(op, alias string, f func(raw.Struct_SS_certstore, raw.Struct_SS_certstore_error) rawEntry) (e *Entry, err error) {
	if err := text(op, alias); err != nil {
		return nil, err
	}
	err = s.handle().change(func(p raw.Struct_SS_certstore) (err error) {
		e, err = newEntry(op, func(err raw.Struct_SS_certstore_error) rawEntry { return f(p, err) })
		return err
	})
	return e, err
}

// GenerateKey makes a key on the store's token, where it stays: "RSA:3072", "EC:P-256", "Ed25519", or "AES:256" for one that wraps others. It is made
// at once, in no transaction. ErrExists where the alias has a key, and the policy says neither KeyReuse nor KeyRotate.
func (s *Store) GenerateKey(alias, algorithm string, policy KeyPolicy) (*Entry, error) {
	if err := text("generate key", algorithm); err != nil {
		return nil, err
	}
	return s.arrived("generate key", alias, func(p raw.Struct_SS_certstore, err raw.Struct_SS_certstore_error) rawEntry {
		return raw.Certstore_key_generate(p, alias, algorithm, uint(policy), err)
	})
}

// WrapKey gives the key of an entry on a token, wrapped by a secret key of the same token (RFC 5649). ErrBound where it is not extractable.
func (e *Entry) WrapKey(wrapping *Entry) ([]byte, error) {
	outer, err := wrapping.Copy() // so that nobody holds two objects at once, in whichever order, or one of them twice
	if err != nil {
		return nil, err
	}
	defer outer.Close()
	return e.bytes("wrap key", func(p rawEntry, err raw.Struct_SS_certstore_error) (wrapped raw.Struct_SS_certstore_bytes) {
		_ = outer.read(func(w rawEntry) error { wrapped = raw.Certstore_key_export_wrapped(p, w, err); return nil })
		return wrapped
	})
}

// UnwrapKey brings back what WrapKey gave. public is the private key's SubjectPublicKeyInfo; nil: what is wrapped is an AES key. ErrMismatch, and
// nothing is left on the token, where the two are not a pair.
func (s *Store) UnwrapKey(alias string, wrapping *Entry, wrapped, public []byte, policy KeyPolicy) (*Entry, error) {
	outer, err := wrapping.Copy()
	if err != nil {
		return nil, err
	}
	defer outer.Close()
	return s.arrived("unwrap key", alias, func(p raw.Struct_SS_certstore, err raw.Struct_SS_certstore_error) (e rawEntry) {
		_ = outer.read(func(w rawEntry) error {
			e = raw.Certstore_key_unwrap(p, alias, w, wrapped, public, uint(policy), err)
			return nil
		})
		return e
	})
}
