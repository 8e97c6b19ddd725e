// SPDX-License-Identifier: Apache-2.0

package certstore_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"certstore"
)

var background = context.Background()

func put(t testing.TB, s *certstore.Store, e *certstore.Entry) {
	t.Helper()
	must(t, certstore.Update(background, func(tx *certstore.Tx) error { return tx.Put(e, s) }))
}

func TestAStoreThatDoesNotExistReadsAsEmpty(t *testing.T) {
	over(t, func(t *testing.T, r row, s *certstore.Store) {
		b, err := s.Read()
		must(t, err)
		if s.Exists() != r.token || b.Len() != 0 || len(b.Entries()) != 0 {
			t.Errorf("exists %v, %d entries", s.Exists(), b.Len())
		}
	})
}

func TestATrustedCertificateComesBackAsItWasPut(t *testing.T) {
	root := newCA(t, "Example Root")
	over(t, func(t *testing.T, r row, s *certstore.Store) {
		if !r.roots {
			t.Skip("an identity holds no roots")
		}
		put(t, s, root.root(t, "example-root"))
		e := only(t, s)
		if e.Kind() != certstore.Trusted || !bytes.Equal(e.Certs()[0].DER(), root.cert.Raw) {
			t.Errorf("%v of %d bytes", e.Kind(), len(e.Certs()[0].DER()))
		}
		name, err := e.Certs()[0].Subject()
		must(t, err)
		if name != "CN=Example Root" || !e.Certs()[0].NotAfter().Equal(root.cert.NotAfter) || !e.Certs()[0].IsCA() {
			t.Errorf("subject %q, ends %v", name, e.Certs()[0].NotAfter())
		}
		b, err := s.Read()
		must(t, err)
		if r.integral && b.Integrity() != certstore.IntegrityVerified {
			t.Errorf("integrity %v", b.Integrity())
		}
	})
}

func TestAKeySignsAndDecryptsForItsCertificate(t *testing.T) {
	authority := newCA(t, "ca")
	key := newRSA(t)
	over(t, func(t *testing.T, r row, s *certstore.Store) {
		if !r.keys {
			t.Skip("the format holds no keys")
		}
		put(t, s, authority.identityOf(t, "web", "localhost", key))
		e := only(t, s)
		must(t, e.CheckKey())
		signer, err := e.Signer()
		must(t, err)
		digest := sha256.Sum256([]byte("text"))
		signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		must(t, err)
		must(t, rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature))
		decrypter, err := e.Decrypter()
		must(t, err)
		hash := crypto.SHA256
		if r.token {
			hash = crypto.SHA1 // the one that SoftHSM has OAEP with
		}
		sealed, err := rsa.EncryptOAEP(hash.New(), rand.Reader, &key.PublicKey, []byte("secret"), nil)
		must(t, err)
		opened, err := decrypter.Decrypt(rand.Reader, sealed, &rsa.OAEPOptions{Hash: hash})
		must(t, err)
		if string(opened) != "secret" {
			t.Errorf("decrypted to %q", opened)
		}
	})
}

func TestAnECKeySignsAndSaysThatItDoesNotDecrypt(t *testing.T) {
	authority := newCA(t, "ca")
	over(t, func(t *testing.T, r row, s *certstore.Store) {
		if !r.keys {
			t.Skip("the format holds no keys")
		}
		put(t, s, authority.identity(t, "web", "localhost"))
		e := only(t, s)
		signer, err := e.Signer()
		must(t, err)
		digest := sha256.Sum256([]byte("text"))
		signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		must(t, err)
		if !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), digest[:], signature) {
			t.Error("the signature does not verify")
		}
		if _, err := e.Decrypter(); !errors.Is(err, certstore.ErrUnsupported) {
			t.Errorf("Decrypter: %v", err)
		}
	})
}

func TestAReplacedStoreGoesBackByNumberAndItsHistorySaysWhatHappened(t *testing.T) {
	authority := newCA(t, "ca")
	over(t, func(t *testing.T, r row, s *certstore.Store) {
		put(t, s, r.filler(t, authority, "one", "first"))
		must(t, certstore.Update(background, func(tx *certstore.Tx) error {
			b, err := tx.Read(s)
			if err != nil {
				return err
			}
			if err := b.Remove(b.Entries()[0].Alias()); err != nil {
				return err
			}
			if err := b.Put(r.filler(t, authority, "one", "second")); err != nil {
				return err
			}
			return tx.SetNote("renewed")
		}))
		if subject(t, s) != "second" {
			t.Fatalf("holds %q", subject(t, s))
		}
		history, err := s.History()
		must(t, err)
		last := history[len(history)-1]
		if last.Note != "renewed" || len(last.Txn) != 32 || time.Since(last.Time) > time.Hour || !history[len(history)-2].Kept {
			t.Errorf("history %+v", history)
		}
		number, err := s.Generation()
		must(t, err)
		if number != last.Number {
			t.Errorf("generation %d, the history ends with %d", number, last.Number)
		}
		must(t, certstore.Update(background, func(tx *certstore.Tx) error { return tx.Restore(s, number-1) }))
		if subject(t, s) != "first" {
			t.Errorf("went back to %q", subject(t, s))
		}
	})
}

func TestAnErrorInUpdateLeavesEveryStoreAsItWas(t *testing.T) {
	authority := newCA(t, "ca")
	mine := errors.New("the probe failed")
	over(t, func(t *testing.T, r row, s *certstore.Store) {
		put(t, s, r.filler(t, authority, "one", "first"))
		before, err := s.Read()
		must(t, err)
		err = certstore.Update(background, func(tx *certstore.Tx) error {
			must(t, tx.Put(r.filler(t, authority, "one", "second"), s))
			must(t, tx.Prepare(background))
			return mine
		})
		if !errors.Is(err, mine) || subject(t, s) != "first" {
			t.Errorf("%v; holds %q", err, subject(t, s))
		}
		now, err := s.Read()
		must(t, err)
		if rows, err := before.Diff(now); err != nil || len(rows) != 0 {
			t.Errorf("differs: %v %v", rows, err)
		}
	})
}

func TestAStoreThatSomebodyElseChangedIsAConflict(t *testing.T) {
	authority := newCA(t, "ca")
	for _, r := range rows {
		r := r
		t.Run(r.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, r.uri(dir), filepath.Join(dir, "state"))
			other := open(t, r.uri(dir), filepath.Join(dir, "state"))
			put(t, s, r.filler(t, authority, "one", "first"))
			age(t, dir)
			read, err := s.Read()
			must(t, err)
			if s.Changed(read) {
				t.Error("changed before anybody changed it")
			}
			put(t, other, r.filler(t, authority, "one", "theirs"))
			if !s.Changed(read) {
				t.Error("not changed after somebody changed it")
			}
			must(t, read.Remove(read.Entries()[0].Alias()))
			err = certstore.Update(background, func(tx *certstore.Tx) error { return tx.Replace(s, read) })
			if !errors.Is(err, certstore.ErrConflict) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAllFormatsChangeInOneTransaction(t *testing.T) {
	authority := newCA(t, "ca")
	dir := t.TempDir()
	var stores []*certstore.Store
	for _, r := range rows {
		if r.keys {
			stores = append(stores, open(t, r.uri(t.TempDir()), filepath.Join(dir, "state")))
		}
	}
	tx := certstore.Begin()
	defer tx.Rollback()
	must(t, tx.Put(authority.identity(t, "web", "localhost"), stores...))
	must(t, tx.Commit(background))
	if tx.Changed() != len(stores) || len(tx.ID()) != 32 {
		t.Errorf("%d changed, id %q", tx.Changed(), tx.ID())
	}
	for _, s := range stores {
		if subject(t, s) != "localhost" {
			t.Errorf("%s holds %q", s.URI(), subject(t, s))
		}
		now, err := s.Generation()
		must(t, err)
		if made := tx.Generation(s); made != now || made == 0 {
			t.Errorf("%s: the commit made generation %d, and it holds %d", s.URI(), made, now)
		}
	}
	if err := tx.Commit(background); !errors.Is(err, certstore.ErrArgument) {
		t.Errorf("a second commit: %v", err)
	}
}

func TestAWrongPassphraseIsToldFromEverythingElse(t *testing.T) {
	authority := newCA(t, "ca")
	for _, r := range rows {
		r := r
		t.Run(r.name, func(t *testing.T) {
			if !r.integral {
				t.Skip("the format has no passphrase of its own")
			}
			dir := t.TempDir()
			put(t, open(t, r.uri(dir), filepath.Join(dir, "state")), r.filler(t, authority, "one", "first"))
			s := open(t, r.uri(dir), filepath.Join(dir, "state"), certstore.WithPassword([]byte("wrong")))
			_, err := s.Read()
			var rich *certstore.Error
			if !errors.Is(err, certstore.ErrPassword) || !errors.As(err, &rich) || rich.Subject == "" || rich.Message == "" {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestANewPassphraseOpensTheStoreAndTheOldOneDoesNot(t *testing.T) {
	authority := newCA(t, "ca")
	for _, r := range rows {
		r := r
		t.Run(r.name, func(t *testing.T) {
			if !r.integral {
				t.Skip("the format has no passphrase of its own")
			}
			dir := t.TempDir()
			s := open(t, r.uri(dir), filepath.Join(dir, "state"))
			put(t, s, authority.identity(t, "web", "localhost"))
			must(t, certstore.Update(background, func(tx *certstore.Tx) error { return tx.SetPassword(s, []byte("another")) }))
			e := only(t, open(t, r.uri(dir), filepath.Join(dir, "state"), certstore.WithPassword([]byte("another"))))
			if _, err := e.Signer(); err != nil {
				t.Error(err)
			}
			if _, err := open(t, r.uri(dir), filepath.Join(dir, "state")).Read(); !errors.Is(err, certstore.ErrPassword) {
				t.Errorf("the old one: %v", err)
			}
			if _, err := s.Read(); err != nil {
				t.Errorf("the handle that changed it: %v", err)
			}
		})
	}
}

func TestABundleGoesThroughBytesAndBack(t *testing.T) {
	authority := newCA(t, "ca")
	for _, format := range []string{"pem", "pkcs12", "jks", "jceks"} {
		b, err := certstore.NewBundle(format)
		must(t, err)
		must(t, b.Put(authority.identity(t, "web", "localhost")))
		data, err := b.Export("", certstore.WithPassword(password))
		must(t, err)
		back, err := certstore.Parse(data, "", certstore.WithPassword(password))
		must(t, err)
		if rows, err := b.Diff(back); err != nil || len(rows) != 0 || back.Format() != format {
			t.Errorf("%s: %v %v", back.Format(), rows, err)
		}
	}
}

func TestCapabilitiesAndFormatsAreTheLibrarys(t *testing.T) {
	formats := certstore.Formats()
	if len(formats) < 6 {
		t.Errorf("formats %v", formats)
	}
	if c := certstore.Capabilities("jks"); c&certstore.CanKeys == 0 || c&certstore.CanTrustPurposes != 0 {
		t.Errorf("jks can %b", c)
	}
	if certstore.Capabilities("none") != 0 || certstore.Version() == "" {
		t.Error("an unknown format can something, or the version is empty")
	}
}

func TestWhatAFormatCannotHoldIsRefusedUnlessTheLossIsAllowed(t *testing.T) {
	root := newCA(t, "Example Root")
	secret, err := certstore.NewSecret("session", "AES", []byte("0123456789abcdef"))
	must(t, err)
	for _, r := range rows {
		if r.token || !r.roots || certstore.Capabilities(r.name)&certstore.CanSecrets != 0 {
			continue
		}
		r := r
		t.Run(r.name, func(t *testing.T) {
			dir := t.TempDir()
			state := filepath.Join(dir, "state")
			s := open(t, r.uri(dir), state)
			put(t, s, root.root(t, "root"))
			before, err := s.Read()
			must(t, err)
			err = certstore.Update(background, func(tx *certstore.Tx) error { return tx.Put(secret, s) })
			var told *certstore.Error
			if !errors.Is(err, certstore.ErrLossy) || !errors.As(err, &told) || !strings.Contains(told.Message, "session") {
				t.Errorf("%v", err)
			}
			if after, err := s.Read(); err != nil || after.Len() != 1 || !same(t, before, after) {
				t.Errorf("the store has changed: %v", err)
			}
			put(t, open(t, r.uri(dir), state, certstore.WithAllowLoss()), secret)
			if e := only(t, s); e.Kind() != certstore.Trusted {
				t.Errorf("%v", e.Kind())
			}
		})
	}
}

func same(t testing.TB, a, b *certstore.Bundle) bool {
	t.Helper()
	rows, err := a.Diff(b)
	must(t, err)
	return len(rows) == 0
}

func TestAnExportRefusesWhatTheFormatCannotHoldUnlessThatIsAllowed(t *testing.T) {
	b, err := certstore.NewBundle("jceks")
	must(t, err)
	secret, err := certstore.NewSecret("session", "AES", []byte("0123456789abcdef"))
	must(t, err)
	must(t, b.Put(secret))
	for _, format := range []string{"jks", "pem"} {
		if data, err := b.Export(format, certstore.WithPassword(password)); !errors.Is(err, certstore.ErrLossy) || data != nil {
			t.Errorf("%s: %d bytes, %v", format, len(data), err)
		}
		_, err := b.Export(format, certstore.WithPassword(password), certstore.WithAllowLoss())
		must(t, err)
	}
	_, err = b.Export("pkcs12", certstore.WithPassword(password))
	must(t, err)
}
