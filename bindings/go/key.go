// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"

	"certstore/internal/raw"
)

// NewKey makes an entry of a private key of Go (RSA, ECDSA, Ed25519) and its certificates, leaf first.
func NewKey(alias string, key crypto.PrivateKey, chain ...*x509.Certificate) (*Entry, error) {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, &Error{Op: "new key", Status: ErrUnsupported, Message: alias + ": Go cannot write this key", Cause: err.Error(), Subject: alias}
	}
	defer wipe(pkcs8)
	ders := make([][]byte, len(chain))
	for i, cert := range chain {
		ders[i] = cert.Raw
	}
	return NewKeyPKCS8(alias, pkcs8, ders...)
}

func wipe(secret []byte) {
	for i := range secret {
		secret[i] = 0
	}
}

// KeyAlgorithm is "RSA", "EC", "ED25519", "AES" ... of the private or secret key.
func (e *Entry) KeyAlgorithm() (string, error) {
	name, err := e.bytes("key algorithm", raw.Certstore_entry_export_key_algorithm)
	return string(name), err
}

// KeyBits are the bits of the private or secret key.
func (e *Entry) KeyBits() (bits int, err error) {
	err = e.read(func(p rawEntry) error {
		return call("key bits", func(err raw.Struct_SS_certstore_error) { bits = raw.Certstore_entry_key_bits(p, err) })
	})
	return bits, err
}

// KeyBytes is the private key as PKCS#8 DER, or the secret key's raw bytes; ErrPassword if it cannot be opened. They are the caller's to wipe.
func (e *Entry) KeyBytes() ([]byte, error) { return e.bytes("key", raw.Certstore_entry_export_key) }

// CheckKey is nil if the first certificate carries the private key's public key, ErrMismatch if not.
func (e *Entry) CheckKey() error {
	return e.read(func(p rawEntry) error {
		return call("check key", func(err raw.Struct_SS_certstore_error) { raw.Certstore_entry_check_key(p, err) })
	})
}

// PrivateKey opens the key of an entry with the passphrases its bundle was read with: an *rsa.PrivateKey, *ecdsa.PrivateKey or ed25519.PrivateKey for
// a key in a file. For a key that stays on its token it is a crypto.Signer, and of RSA a crypto.Decrypter, that asks the token each time; it works
// until the program ends, also when store and bundle are closed.
func (e *Entry) PrivateKey() (crypto.PrivateKey, error) {
	if kind := e.Kind(); kind != Key {
		if err := e.read(func(rawEntry) error { return nil }); err != nil {
			return nil, err
		}
		return nil, &Error{Op: "key", Status: ErrArgument, Message: e.Alias() + ": it is no private key but " + kind.String(), Subject: e.Alias()}
	}
	if e.Bound() {
		return e.tokenKey()
	}
	pkcs8, err := e.KeyBytes()
	if err != nil {
		return nil, err
	}
	defer wipe(pkcs8)
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, e.unsupported("Go does not take a key of its algorithm", err.Error())
	}
	return key, nil
}

func (e *Entry) unsupported(what, cause string) error {
	alias := e.Alias()
	return &Error{Op: "key", Status: ErrUnsupported, Message: alias + ": " + what, Cause: cause, Subject: alias}
}

// Signer is the entry's key as what signs in Go's standard library.
func (e *Entry) Signer() (crypto.Signer, error) {
	key, err := e.PrivateKey()
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, e.unsupported("a key of its algorithm does not sign", "")
	}
	return signer, nil
}

// Decrypter is the entry's key as what decrypts in Go's standard library: RSA keys do.
func (e *Entry) Decrypter() (crypto.Decrypter, error) {
	key, err := e.PrivateKey()
	if err != nil {
		return nil, err
	}
	decrypter, ok := key.(crypto.Decrypter)
	if !ok {
		return nil, e.unsupported("a key of its algorithm does not decrypt", "")
	}
	return decrypter, nil
}

// TLS is the entry as crypto/tls wants it: chain, key, and the leaf parsed. ErrMismatch where certificate and key do not belong together.
func (e *Entry) TLS() (tls.Certificate, error) {
	chain, err := e.Chain()
	if err != nil {
		return tls.Certificate{}, err
	}
	if len(chain) == 0 {
		return tls.Certificate{}, &Error{Op: "TLS", Status: ErrNotFound, Message: e.Alias() + ": it has no certificate", Subject: e.Alias()}
	}
	if err := e.CheckKey(); err != nil {
		return tls.Certificate{}, err
	}
	key, err := e.Signer()
	if err != nil {
		return tls.Certificate{}, err
	}
	cert := tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	return cert, nil
}

// CertPool holds the bundle's trusted certificates that may vouch for a purpose ("serverAuth", "clientAuth" ...; "" for all): those that say
// nothing about purposes or name it or "any", and do not reject it.
func (b *Bundle) CertPool(purpose string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for _, e := range b.Entries() {
		if e.Kind() != Trusted || !e.vouchesFor(purpose) {
			continue
		}
		cert, err := e.X509()
		if err != nil {
			return nil, err
		}
		pool.AddCert(cert)
	}
	return pool, b.read(func(rawBundle) error { return nil })
}

func (e *Entry) vouchesFor(purpose string) bool {
	if purpose == "" {
		return true
	}
	for _, rejected := range e.Reject() {
		if rejected == purpose || rejected == "any" {
			return false
		}
	}
	trusted := e.Trust()
	for _, name := range trusted {
		if name == purpose || name == "any" {
			return true
		}
	}
	return len(trusted) == 0
}
