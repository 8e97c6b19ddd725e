// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"strings"
	"time"

	"certstore/internal/raw"
)

type rawCert = raw.Struct_SS_certstore_cert

// Cert is a certificate of an entry, as the library sees it. It lives as long as its entry is not closed or changed: keep the entry, not the Cert,
// of one that is to be changed.
type Cert struct {
	entry *Entry
	index int
}

func (c Cert) read(f func(rawCert) error) error {
	return c.entry.read(func(p rawEntry) error {
		cert := raw.Certstore_entry_cert(p, c.index)
		if null(cert) {
			return ErrClosed
		}
		return f(cert)
	})
}

func (c Cert) text(op string, f func(rawCert, raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_bytes) (value string, err error) {
	err = c.read(func(p rawCert) error {
		return call(op, func(err raw.Struct_SS_certstore_error) { value = string(raw.Take(f(p, err))) })
	})
	return value, err
}

// DER is the certificate's DER; nil when its entry is closed, as with the other facts below.
func (c Cert) DER() (der []byte) {
	_ = c.read(func(p rawCert) error { der = raw.DER(p); return nil })
	return der
}

// NotBefore is when the certificate begins; zero where that cannot be read.
func (c Cert) NotBefore() (begin time.Time) {
	_ = c.read(func(p rawCert) error { begin = seconds(raw.Certstore_cert_not_before(p)); return nil })
	return begin
}

// NotAfter is when it ends; zero where that cannot be read.
func (c Cert) NotAfter() (end time.Time) {
	_ = c.read(func(p rawCert) error { end = seconds(raw.Certstore_cert_not_after(p)); return nil })
	return end
}

// IsCA says whether it is a certification authority's (basicConstraints cA).
func (c Cert) IsCA() (is bool) {
	_ = c.read(func(p rawCert) error { is = raw.Certstore_cert_is_ca(p) != 0; return nil })
	return is
}

// IsSelfIssued says whether subject and issuer are the same name.
func (c Cert) IsSelfIssued() (is bool) {
	_ = c.read(func(p rawCert) error { is = raw.Certstore_cert_is_self_issued(p) != 0; return nil })
	return is
}

// KeyBits are the bits of the public key; 0 when not known.
func (c Cert) KeyBits() (bits int) {
	_ = c.read(func(p rawCert) error { bits = raw.Certstore_cert_key_bits(p); return nil })
	return bits
}

// Subject is the subject's name as RFC 4514 writes it.
func (c Cert) Subject() (string, error) { return c.text("subject", raw.Certstore_cert_export_subject) }

// Issuer is the issuer's name as RFC 4514 writes it.
func (c Cert) Issuer() (string, error) { return c.text("issuer", raw.Certstore_cert_export_issuer) }

// Serial is the serial number in lower-case hexadecimal.
func (c Cert) Serial() (string, error) { return c.text("serial", raw.Certstore_cert_export_serial) }

// SHA256 is the certificate's fingerprint: 64 lower-case hexadecimal digits.
func (c Cert) SHA256() (string, error) {
	return c.text("fingerprint", raw.Certstore_cert_export_sha256)
}

// SPKISHA256 is the fingerprint of its SubjectPublicKeyInfo.
func (c Cert) SPKISHA256() (string, error) {
	return c.text("key's fingerprint", raw.Certstore_cert_export_spki_sha256)
}

// KeyAlgorithm is "RSA", "EC", "ED25519" ..., or a dotted OID.
func (c Cert) KeyAlgorithm() (string, error) {
	return c.text("key algorithm", raw.Certstore_cert_export_key_algorithm)
}

// SignatureAlgorithm is "sha256WithRSAEncryption" ..., or a dotted OID.
func (c Cert) SignatureAlgorithm() (string, error) {
	return c.text("signature algorithm", raw.Certstore_cert_export_signature_algorithm)
}

// PEM is the certificate as PEM, with a final newline.
func (c Cert) PEM() (string, error) { return c.text("PEM", raw.Certstore_cert_export_pem) }

// SANs are the subject alternative names: "DNS:a.example", "IP:192.0.2.1", "email:x@y", "URI:...".
func (c Cert) SANs() ([]string, error) {
	lines, err := c.text("names", raw.Certstore_cert_export_sans)
	if err != nil || lines == "" {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(lines, "\n"), "\n"), nil
}
