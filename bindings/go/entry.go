// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"crypto/x509"
	"math"
	"strings"
	"time"

	"certstore/internal/raw"
)

type rawEntry = raw.Struct_SS_certstore_entry

// Kind says what an entry is.
type Kind int

// The kinds.
const (
	Trusted Kind = 0 // a trusted certificate
	Key     Kind = 1 // a private key, with its certificate chain where there is one
	Secret  Kind = 2 // a secret (symmetric) key
	CRL     Kind = 3 // a revocation list
	Opaque  Kind = 4 // something the format holds that the library does not understand and carries along
)

func (k Kind) String() string {
	if k < Trusted || k > Opaque {
		return "unknown"
	}
	return [...]string{"trusted", "key", "secret", "crl", "opaque"}[k]
}

// Entry is one entry: of a bundle, which nobody can change, or one of the caller's own. One of the caller's own is freed by Close, or by the
// collector.
type Entry struct {
	own      *handle[rawEntry]  // an entry of the caller's own, or
	bundle   *handle[rawBundle] // the version of a bundle that
	borrowed rawEntry           // this one lives in
}

func newEntry(op string, f func(raw.Struct_SS_certstore_error) rawEntry) (*Entry, error) {
	var ptr rawEntry
	if err := call(op, func(err raw.Struct_SS_certstore_error) { ptr = f(err) }); err != nil {
		return nil, err
	}
	return &Entry{own: own(ptr, raw.Certstore_entry_free)}, nil
}

// NewTrusted makes a trusted certificate of DER or PEM.
func NewTrusted(alias string, certificate []byte) (*Entry, error) {
	if err := text("new trusted", alias); err != nil {
		return nil, err
	}
	return newEntry("new trusted", func(err raw.Struct_SS_certstore_error) rawEntry {
		return raw.Certstore_entry_new_trusted(alias, certificate, err)
	})
}

// NewKeyPKCS8 makes an entry of a private key in PKCS#8 DER and its certificates (DER or PEM, one each), leaf first. See also NewKey.
func NewKeyPKCS8(alias string, pkcs8 []byte, chain ...[]byte) (*Entry, error) {
	if err := text("new key", alias); err != nil {
		return nil, err
	}
	e, err := newEntry("new key", func(err raw.Struct_SS_certstore_error) rawEntry {
		return raw.Certstore_entry_new_key(alias, pkcs8, err)
	})
	if err != nil {
		return nil, err
	}
	for _, certificate := range chain {
		if err := e.AddCert(certificate); err != nil {
			_ = e.Close()
			return nil, err
		}
	}
	return e, nil
}

// NewSecret makes a secret key of its raw bytes, under the name Java would give the algorithm ("AES", "HmacSHA256").
func NewSecret(alias, algorithm string, key []byte) (*Entry, error) {
	if err := text("new secret", alias, algorithm); err != nil {
		return nil, err
	}
	return newEntry("new secret", func(err raw.Struct_SS_certstore_error) rawEntry {
		return raw.Certstore_entry_new_secret(alias, algorithm, key, err)
	})
}

// NewCRL makes a revocation list of DER or PEM.
func NewCRL(alias string, crl []byte) (*Entry, error) {
	if err := text("new CRL", alias); err != nil {
		return nil, err
	}
	return newEntry("new CRL", func(err raw.Struct_SS_certstore_error) rawEntry { return raw.Certstore_entry_new_crl(alias, crl, err) })
}

func (e *Entry) read(f func(rawEntry) error) error {
	switch {
	case e == nil:
		return ErrClosed
	case e.own != nil:
		return e.own.read(f)
	}
	return e.bundle.read(func(rawBundle) error { return f(e.borrowed) })
}

// change refuses an entry of a bundle: one would change it under everybody who has it.
func (e *Entry) change(op string, f func(rawEntry, raw.Struct_SS_certstore_error)) error {
	if e == nil {
		return ErrClosed
	}
	if e.own == nil {
		return &Error{Op: op, Status: ErrArgument, Message: "entry: it belongs to a bundle; change a Copy and put that"}
	}
	return e.own.change(func(p rawEntry) error { return call(op, func(err raw.Struct_SS_certstore_error) { f(p, err) }) })
}

// bytes runs a call that hands bytes over.
func (e *Entry) bytes(op string, f func(rawEntry, raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_bytes) (data []byte, err error) {
	err = e.read(func(p rawEntry) error {
		return call(op, func(err raw.Struct_SS_certstore_error) { data = raw.Take(f(p, err)) })
	})
	return data, err
}

// Close frees an entry of the caller's own and wipes its key; for one of a bundle it does nothing.
func (e *Entry) Close() error {
	if e != nil && e.own != nil {
		e.own.close()
	}
	return nil
}

// Copy makes an entry of the caller's own, which may be changed.
func (e *Entry) Copy() (copied *Entry, err error) {
	err = e.read(func(p rawEntry) (err error) {
		copied, err = newEntry("copy", func(err raw.Struct_SS_certstore_error) rawEntry { return raw.Certstore_entry_copy(p, err) })
		return err
	})
	return copied, err
}

// SetAlias gives an entry of the caller's own another alias.
func (e *Entry) SetAlias(alias string) error {
	if err := text("set alias", alias); err != nil {
		return err
	}
	return e.change("set alias", func(p rawEntry, err raw.Struct_SS_certstore_error) { raw.Certstore_entry_set_alias(p, alias, err) })
}

// SetCreated says when an entry of the caller's own was made, to the millisecond.
func (e *Entry) SetCreated(created time.Time) error {
	return e.change("set created", func(p rawEntry, err raw.Struct_SS_certstore_error) {
		raw.Certstore_entry_set_created(p, created.UnixMilli(), err)
	})
}

// AddCert appends a certificate (DER or PEM) to the chain of a key of the caller's own, leaf first.
func (e *Entry) AddCert(certificate []byte) error {
	return e.change("add certificate", func(p rawEntry, err raw.Struct_SS_certstore_error) { raw.Certstore_entry_add_cert(p, certificate, err) })
}

// ClearCerts takes all certificates away.
func (e *Entry) ClearCerts() error {
	return e.change("clear certificates", func(p rawEntry, err raw.Struct_SS_certstore_error) { raw.Certstore_entry_clear_certs(p, err) })
}

// AddTrust trusts a certificate for a purpose: "serverAuth", "clientAuth", "any" ..., or a dotted OID.
func (e *Entry) AddTrust(purpose string) error {
	if err := text("add trust", purpose); err != nil {
		return err
	}
	return e.change("add trust", func(p rawEntry, err raw.Struct_SS_certstore_error) { raw.Certstore_entry_add_trust(p, purpose, err) })
}

// AddReject distrusts it for a purpose.
func (e *Entry) AddReject(purpose string) error {
	if err := text("add reject", purpose); err != nil {
		return err
	}
	return e.change("add reject", func(p rawEntry, err raw.Struct_SS_certstore_error) { raw.Certstore_entry_add_reject(p, purpose, err) })
}

// Alias is the entry's alias; "" when it is closed, as with the other facts below.
func (e *Entry) Alias() (alias string) {
	_ = e.read(func(p rawEntry) error { alias = raw.Certstore_entry_alias(p); return nil })
	return alias
}

// Kind says what it is; Opaque when it is closed.
func (e *Entry) Kind() Kind {
	kind := Opaque
	_ = e.read(func(p rawEntry) error { kind = Kind(raw.Certstore_entry_kind(p)); return nil })
	return kind
}

// Created is when the entry was made; the zero time where the store says nothing.
func (e *Entry) Created() (created time.Time) {
	_ = e.read(func(p rawEntry) error {
		if ms := raw.Certstore_entry_created(p); ms != math.MinInt64 {
			created = time.UnixMilli(ms).UTC()
		}
		return nil
	})
	return created
}

// Trust are the purposes the certificate is trusted for; none means that the format says nothing.
func (e *Entry) Trust() []string {
	return e.purposes(raw.Certstore_entry_trust_count, raw.Certstore_entry_trust)
}

// Reject are the purposes the certificate is distrusted for.
func (e *Entry) Reject() []string {
	return e.purposes(raw.Certstore_entry_reject_count, raw.Certstore_entry_reject)
}

func (e *Entry) purposes(count func(rawEntry) int, at func(rawEntry, int) string) (names []string) {
	_ = e.read(func(p rawEntry) error {
		for i := 0; i < count(p); i++ {
			names = append(names, at(p, i))
		}
		return nil
	})
	return names
}

// Encrypted says whether the entry holds a private or secret key that is stored encrypted.
func (e *Entry) Encrypted() (encrypted bool) {
	_ = e.read(func(p rawEntry) error { encrypted = raw.Certstore_entry_encrypted(p) != 0; return nil })
	return encrypted
}

// Type is what an opaque entry is, in its format's own terms; "" for other kinds.
func (e *Entry) Type() (name string) {
	_ = e.read(func(p rawEntry) error { name = raw.Certstore_entry_type(p); return nil })
	return name
}

// Content is a CRL's DER, or an opaque entry's content.
func (e *Entry) Content() ([]byte, error) {
	return e.bytes("content", raw.Certstore_entry_export_content)
}

// CSR is a PKCS#10 request in DER, signed by the entry's key. The subject is RFC 4514 ("CN=a.example,O=Example"), sans are DNS names and addresses.
func (e *Entry) CSR(subject string, sans ...string) ([]byte, error) {
	names := strings.Join(sans, ",")
	if err := text("CSR", subject, names); err != nil {
		return nil, err
	}
	return e.bytes("CSR", func(p rawEntry, err raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_bytes {
		return raw.Certstore_entry_export_csr(p, subject, names, err)
	})
}

// Certs are the entry's certificates, leaf first, as the library sees them: cheap, parsed only as far as is asked. See X509 and Chain for Go's.
func (e *Entry) Certs() (certs []Cert) {
	_ = e.read(func(p rawEntry) error {
		certs = make([]Cert, raw.Certstore_entry_cert_count(p))
		for i := range certs {
			certs[i] = Cert{e, i}
		}
		return nil
	})
	return certs
}

// Chain are the entry's certificates, leaf first, parsed by Go.
func (e *Entry) Chain() ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	err := e.read(func(p rawEntry) error {
		for i := 0; i < raw.Certstore_entry_cert_count(p); i++ {
			cert, err := x509.ParseCertificate(raw.DER(raw.Certstore_entry_cert(p, i)))
			if err != nil {
				alias := raw.Certstore_entry_alias(p)
				return &Error{Op: "chain", Status: ErrMalformed, Message: alias + ": Go does not take its certificate", Cause: err.Error(), Subject: alias}
			}
			chain = append(chain, cert)
		}
		return nil
	})
	return chain, err
}

// X509 is the entry's first certificate, parsed by Go; ErrNotFound where there is none.
func (e *Entry) X509() (*x509.Certificate, error) {
	chain, err := e.Chain()
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 {
		alias := e.Alias()
		return nil, &Error{Op: "certificate", Status: ErrNotFound, Message: alias + ": it has no certificate", Subject: alias}
	}
	return chain[0], nil
}
