// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"crypto"
	"crypto/rsa"
	"crypto/subtle"
	"crypto/x509"
	"io"
	"strings"

	"certstore/internal/raw"
)

// Bound is whether the entry's private or secret key stays on its token: KeyBytes fails with ErrBound, Signer and Decrypter ask the token.
func (e *Entry) Bound() bool {
	bound := false
	_ = e.read(func(p rawEntry) error {
		bound = raw.Certstore_entry_bound(p) == 1
		return nil
	})
	return bound
}

// PublicKey is the private key's public half, with a certificate or without one: an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
func (e *Entry) PublicKey() (crypto.PublicKey, error) {
	spki, err := e.bytes("public key", raw.Certstore_entry_export_public_key)
	if err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, e.unsupported("Go does not take a key of its algorithm", err.Error())
	}
	return public, nil
}

// tokenKey signs with a key that stays on its token. It has an entry of its own, so that it outlives the bundle it came from, as a tls.Certificate
// does in a handshake.
type tokenKey struct {
	entry  *Entry
	public crypto.PublicKey
}

// tokenRSAKey also decrypts: crypto/tls takes every key that has Decrypt for one that does.
type tokenRSAKey struct{ tokenKey }

func (e *Entry) tokenKey() (crypto.PrivateKey, error) {
	public, err := e.PublicKey()
	if err != nil {
		return nil, err
	}
	entry, err := e.Copy()
	if err != nil {
		return nil, err
	}
	key := tokenKey{entry: entry, public: public}
	if _, ok := public.(*rsa.PublicKey); ok {
		return &tokenRSAKey{key}, nil
	}
	return &key, nil
}

// Public is the key's public half.
func (k *tokenKey) Public() crypto.PublicKey { return k.public }

// Sign has the token sign a digest (for Ed25519 the message itself). The token's own randomness is used, not the reader.
func (k *tokenKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	hash, err := k.hashName(opts.HashFunc())
	if err != nil {
		return nil, err
	}
	padding := ""
	if _, ok := k.public.(*rsa.PublicKey); ok {
		padding = "pkcs1"
	}
	if pss, ok := opts.(*rsa.PSSOptions); ok {
		padding = "pss"
		// As long as possible is no longer than the digest here: any verifier takes that, and no token takes anything else.
		if n := pss.SaltLength; n != rsa.PSSSaltLengthAuto && n != rsa.PSSSaltLengthEqualsHash && n != opts.HashFunc().Size() {
			return nil, k.entry.unsupported("the salt of a PSS signature is as long as the digest; use PSSSaltLengthEqualsHash", "")
		}
	}
	return k.entry.bytes("sign", func(p rawEntry, err raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_bytes {
		return raw.Certstore_key_sign(p, hash, padding, digest, err)
	})
}

// hashName is a hash as OpenSSL calls it: "SHA256" for SHA-256, "" for none.
func (k *tokenKey) hashName(hash crypto.Hash) (string, error) {
	switch hash {
	case 0:
		return "", nil
	case crypto.SHA1, crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512:
		return strings.ReplaceAll(hash.String(), "-", ""), nil
	case crypto.SHA512_224, crypto.SHA512_256, crypto.SHA3_224, crypto.SHA3_256, crypto.SHA3_384, crypto.SHA3_512:
		return hash.String(), nil
	}
	return "", k.entry.unsupported("no token signs or decrypts with this hash; use SHA-256, SHA-384 or SHA-512", hash.String())
}

// Decrypt has the token decrypt: OAEP without a label with *rsa.OAEPOptions, else PKCS#1 v1.5. With a SessionKeyLen a text that does not decrypt to
// that many bytes gives random ones and no error, as in crypto/rsa (RFC 5246 section 7.4.7.1).
func (k *tokenRSAKey) Decrypt(rand io.Reader, text []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	switch opts := opts.(type) {
	case nil:
		return k.decrypt("pkcs1", "", text)
	case *rsa.PKCS1v15DecryptOptions:
		if opts.SessionKeyLen > 0 {
			return k.sessionKey(rand, text, opts.SessionKeyLen)
		}
		return k.decrypt("pkcs1", "", text)
	case *rsa.OAEPOptions:
		if len(opts.Label) > 0 {
			return nil, k.entry.unsupported("OAEP with a label; leave it out", "")
		}
		hash, err := k.hashName(opts.Hash)
		if err != nil {
			return nil, err
		}
		return k.decrypt("oaep", hash, text)
	}
	return nil, k.entry.unsupported("RSA decrypts with PKCS#1 v1.5 or OAEP", "")
}

func (k *tokenRSAKey) decrypt(padding, hash string, text []byte) ([]byte, error) {
	return k.entry.bytes("decrypt", func(p rawEntry, err raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_bytes {
		return raw.Certstore_key_decrypt(p, padding, hash, text, err)
	})
}

func (k *tokenRSAKey) sessionKey(rand io.Reader, text []byte, size int) ([]byte, error) {
	key := make([]byte, size)
	if _, err := io.ReadFull(rand, key); err != nil {
		return nil, err
	}
	plain, err := k.decrypt("pkcs1", "", text)
	if err == nil && len(plain) == size {
		subtle.ConstantTimeCopy(1, key, plain)
	}
	return key, nil
}
