// SPDX-License-Identifier: Apache-2.0

package certstore_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"certstore"
)

var password = []byte("changeit")

// row is a place that the conformance tests are run over; a format that comes later is one more row.
type row struct {
	name     string
	uri      func(dir string) string
	keys     bool
	roots    bool
	integral bool // carries an integrity check
	token    bool // is a PKCS#11 token: always there, keys do not leave it and stay when their place is taken
}

func at(scheme, name string) func(string) string {
	return func(dir string) string { return scheme + ":" + filepath.Join(dir, name) }
}

var rows = []row{
	{"pem", at("pem", "a.pem"), true, true, false, false},
	{"pem pair", func(dir string) string {
		return "pem:" + filepath.Join(dir, "a.crt") + "?key=" + filepath.Join(dir, "a.key")
	}, true, false, false, false},
	{"pemdir", at("pemdir", "dir"), false, true, false, false},
	{"pkcs12", at("pkcs12", "a.p12"), true, true, true, false},
	{"jks", at("jks", "a.jks"), true, true, true, false},
	{"jceks", at("jceks", "a.jceks"), true, true, true, false},
	{"token", newToken, true, true, false, true},
}

func over(t *testing.T, f func(t *testing.T, r row, s *certstore.Store)) {
	for _, r := range rows {
		r := r
		t.Run(r.name, func(t *testing.T) {
			needs(t, r)
			dir := t.TempDir()
			f(t, r, open(t, r.uri(dir), filepath.Join(dir, "state")))
		})
	}
}

func open(t testing.TB, uri, state string, more ...certstore.Option) *certstore.Store {
	t.Helper()
	opts := append([]certstore.Option{certstore.WithPassword(password), certstore.WithStateDir(state)}, more...)
	s, err := certstore.Open(uri, opts...)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ca signs what the tests need.
type ca struct {
	cert *x509.Certificate
	key  crypto.Signer
}

var serial = int64(time.Now().UnixNano())

func newCA(t testing.TB, name string) ca {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return ca{sign(t, name, key.Public(), ca{key: key}, true), key}
}

func sign(t testing.TB, name string, public crypto.PublicKey, by ca, isCA bool) *x509.Certificate {
	t.Helper()
	serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: isCA,
	}
	if isCA {
		template.DNSNames, template.KeyUsage = nil, x509.KeyUsageCertSign
	}
	parent := by.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by.key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert
}

func (a ca) root(t testing.TB, alias string) *certstore.Entry {
	t.Helper()
	e, err := certstore.NewTrusted(alias, a.cert.Raw)
	must(t, err)
	return e
}

func (a ca) identity(t testing.TB, alias, name string) *certstore.Entry {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return a.identityOf(t, alias, name, key)
}

func (a ca) identityOf(t testing.TB, alias, name string, key crypto.Signer) *certstore.Entry {
	t.Helper()
	e, err := certstore.NewKey(alias, key, sign(t, name, key.Public(), a, false))
	must(t, err)
	return e
}

func newRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return key
}

// filler is an entry that the row's format can hold.
func (r row) filler(t testing.TB, a ca, alias, name string) *certstore.Entry {
	t.Helper()
	if r.roots {
		return newCA(t, name).root(t, alias)
	}
	return a.identity(t, alias, name)
}

// age makes every file below a directory one that was last changed long ago: one changed within the last second may change again under the same
// time, and counts as changed.
func age(t testing.TB, dir string) {
	t.Helper()
	long := time.Unix(1600000000, 0)
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == "state" {
			return fs.SkipDir // lies in the directory of the stores, and the library clears up in it
		}
		return os.Chtimes(path, long, long)
	}))
}

// only is the one entry that a store holds, keys that another one took the place of aside.
func only(t testing.TB, s *certstore.Store) *certstore.Entry {
	t.Helper()
	b, err := s.Read()
	must(t, err)
	var found []*certstore.Entry
	for _, e := range b.Entries() {
		if len(e.Certs()) > 0 {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s: %d entries, not 1", s.URI(), len(found))
	}
	return found[0]
}

func subject(t testing.TB, s *certstore.Store) string {
	t.Helper()
	cert, err := only(t, s).X509()
	must(t, err)
	return cert.Subject.CommonName
}
