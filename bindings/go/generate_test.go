// SPDX-License-Identifier: Apache-2.0

package certstore_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"certstore"
)

func tokenStore(t *testing.T, more ...certstore.Option) *certstore.Store {
	t.Helper()
	needs(t, row{token: true})
	dir := t.TempDir()
	return open(t, newToken(dir), filepath.Join(dir, "state"), more...)
}

func generate(t *testing.T, s *certstore.Store, alias, algorithm string, policy certstore.KeyPolicy) *certstore.Entry {
	t.Helper()
	e, err := s.GenerateKey(alias, algorithm, policy)
	must(t, err)
	return e
}

func spki(t *testing.T, e *certstore.Entry) []byte {
	t.Helper()
	public, err := e.PublicKey()
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	must(t, err)
	return der
}

func TestAKeyMadeOnATokenSignsAndStays(t *testing.T) {
	s := tokenStore(t)
	if s.Capabilities()&certstore.CanGenerate == 0 {
		t.Fatal("the token says that it makes no keys")
	}
	for _, algorithm := range []string{"RSA:2048", "EC:P-256", "Ed25519"} {
		e := generate(t, s, algorithm, algorithm, 0)
		if e.Alias() != algorithm || !e.Bound() {
			t.Fatalf("%s: alias %s, bound %v", algorithm, e.Alias(), e.Bound())
		}
		signer, err := e.Signer()
		must(t, err)
		digest, hash := sha256.Sum256([]byte("x")), crypto.SHA256
		if algorithm == "Ed25519" {
			hash = 0
		}
		_, err = signer.Sign(rand.Reader, digest[:], hash)
		must(t, err)
	}
}

func TestAnAliasWithAKeyIsRefusedReusedOrRotated(t *testing.T) {
	s := tokenStore(t)
	first := spki(t, generate(t, s, "web", "EC:P-256", 0))
	if _, err := s.GenerateKey("web", "EC:P-256", 0); !errors.Is(err, certstore.ErrExists) {
		t.Fatal(err)
	}
	if !bytes.Equal(first, spki(t, generate(t, s, "web", "RSA:2048", certstore.KeyReuse))) {
		t.Fatal("another key is reused")
	}
	if bytes.Equal(first, spki(t, generate(t, s, "web", "EC:P-256", certstore.KeyRotate))) {
		t.Fatal("the same key is rotated")
	}
	if _, err := s.GenerateKey("w\x00", "EC:P-256", 0); !errors.Is(err, certstore.ErrArgument) {
		t.Fatal(err)
	}
	file := open(t, "pem:"+filepath.Join(t.TempDir(), "a.pem"), t.TempDir())
	if _, err := file.GenerateKey("web", "EC:P-256", 0); !errors.Is(err, certstore.ErrUnsupported) {
		t.Fatal(err)
	}
}

func TestAKeyThatLeftWrappedComesBack(t *testing.T) {
	s := tokenStore(t)
	backup := generate(t, s, "backup", "AES:256", 0)
	key := generate(t, s, "web", "EC:P-256", certstore.KeyExtractable)
	public := spki(t, key)
	wrapped, err := key.WrapKey(backup)
	must(t, err)
	back, err := s.UnwrapKey("again", backup, wrapped, public, 0)
	must(t, err)
	if !bytes.Equal(public, spki(t, back)) {
		t.Fatal("another key came back")
	}
	if _, err := back.WrapKey(backup); !errors.Is(err, certstore.ErrBound) {
		t.Fatal(err)
	}
	other := spki(t, generate(t, s, "other", "EC:P-256", 0))
	if _, err := s.UnwrapKey("wrong", backup, wrapped, other, 0); !errors.Is(err, certstore.ErrMismatch) {
		t.Fatal(err)
	}
	if _, err := s.UnwrapKey("wrong", key, wrapped, public, 0); !errors.Is(err, certstore.ErrArgument) {
		t.Fatal(err)
	}
}

func TestTheOfficerMarksWhatIsTrustedForAny(t *testing.T) {
	s := tokenStore(t, certstore.WithSOPIN([]byte("87654321")))
	root := newCA(t, "ca").root(t, "ca")
	must(t, root.AddTrust("any"))
	must(t, certstore.Update(context.Background(), func(tx *certstore.Tx) error { return tx.Put(root, s) }))
	if trust := only(t, s).Trust(); len(trust) != 1 || trust[0] != "any" {
		t.Fatal(trust)
	}
}

func TestABundleMayBeClosedWhileItsKeysAreWrapped(t *testing.T) {
	identity := newCA(t, "ca").identity(t, "web", "localhost")
	for round := 0; round < 20; round++ {
		b, err := certstore.NewBundle("pkcs12")
		must(t, err)
		must(t, b.Put(identity))
		e, err := b.Find("web")
		must(t, err)
		var group, started sync.WaitGroup
		for i := 0; i < 8; i++ {
			group.Add(1)
			started.Add(1)
			go func() {
				defer group.Done()
				for n := 0; n < 100000; n++ {
					if n == 10 {
						started.Done()
					}
					if _, err := e.WrapKey(e); !errors.Is(err, certstore.ErrArgument) { // it is on no token; closed in the end
						return
					}
				}
			}()
		}
		started.Wait()
		over := make(chan struct{})
		go func() { b.Close(); group.Wait(); close(over) }()
		select {
		case <-over:
		case <-time.After(time.Minute):
			t.Fatal("somebody waits for ever")
		}
	}
}
