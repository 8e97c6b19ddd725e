// SPDX-License-Identifier: Apache-2.0

package certstore_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"certstore"
)

// prepareAndDie is what TestMain does instead of the tests in a process of its own, which prepares a transaction and dies.
func prepareAndDie() {
	s, err := certstore.Open(os.Getenv("DIE_WITH"), certstore.WithPassword(password), certstore.WithStateDir(os.Getenv("DIE_STATE")))
	if err != nil {
		os.Exit(1)
	}
	b, err := s.Read()
	if err != nil || b.Remove("root") != nil {
		os.Exit(1)
	}
	tx := certstore.Begin()
	if tx.Replace(s, b) != nil || tx.Prepare(background) != nil {
		os.Exit(1)
	}
	os.Exit(9) // without a rollback: what was prepared stays behind
}

func TestWhatACrashLeftBehindIsPendingUntilItIsRecovered(t *testing.T) {
	for _, settle := range []struct {
		name string
		run  func(s *certstore.Store, state certstore.Option) ([]certstore.Finding, error)
	}{
		{"all", func(_ *certstore.Store, state certstore.Option) ([]certstore.Finding, error) {
			return certstore.Recover(background, state)
		}},
		{"one store", func(s *certstore.Store, _ certstore.Option) ([]certstore.Finding, error) { return s.Recover() }},
	} {
		t.Run(settle.name, func(t *testing.T) {
			dir := t.TempDir()
			state := certstore.WithStateDir(filepath.Join(dir, "state"))
			uri := "jks:" + filepath.Join(dir, "a.jks")
			s := open(t, uri, filepath.Join(dir, "state"))
			put(t, s, newCA(t, "root").root(t, "root"))
			before, err := os.ReadFile(filepath.Join(dir, "a.jks"))
			must(t, err)
			child := exec.Command(os.Args[0], "-test.run=^$")
			child.Env = append(os.Environ(), "DIE_WITH="+uri, "DIE_STATE="+filepath.Join(dir, "state"))
			var died *exec.ExitError
			if err := child.Run(); !errors.As(err, &died) || died.ExitCode() != 9 {
				t.Fatalf("the other process: %v", err)
			}
			rows, err := certstore.Pending(state)
			must(t, err)
			if len(rows) != 1 {
				t.Fatalf("pending: %v", rows)
			}
			settled, err := settle.run(s, state)
			must(t, err)
			if len(settled) == 0 {
				t.Error("nothing was settled")
			}
			if rows, err := certstore.Pending(state); err != nil || len(rows) != 0 {
				t.Errorf("still pending: %v %v", rows, err)
			}
			now, err := os.ReadFile(filepath.Join(dir, "a.jks"))
			must(t, err)
			if !bytes.Equal(now, before) {
				t.Error("what was only prepared came to be")
			}
			put(t, s, newCA(t, "other").root(t, "other")) // nothing is in the way any more
		})
	}
}

func TestVerifyFindsWhatIsExpiredAndWhatExpiresSoon(t *testing.T) {
	b, err := certstore.NewBundle("pkcs12")
	must(t, err)
	must(t, b.Put(newCA(t, "ca").identity(t, "web", "localhost")))
	codes := func(now time.Time, days int) (found string) {
		rows, err := b.Verify(now, days)
		must(t, err)
		for _, row := range rows {
			found += row.Code + " "
		}
		return found
	}
	now := time.Now()
	if found := codes(now, 0); strings.Contains(found, "expir") {
		t.Errorf("today: %s", found)
	}
	if found := codes(now, 30); !strings.Contains(found, "expiring ") {
		t.Errorf("within thirty days: %s", found)
	}
	if found := codes(now.Add(48*time.Hour), 0); !strings.Contains(found, "expired ") {
		t.Errorf("in two days: %s", found)
	}
}

func TestARequestIsSignedByTheEntrysKeyAndNamesWhatItIsAskedTo(t *testing.T) {
	e := newCA(t, "ca").identityOf(t, "web", "localhost", newRSA(t))
	der, err := e.CSR("CN=web.example", "web.example", "IP:192.0.2.1")
	must(t, err)
	request, err := x509.ParseCertificateRequest(der)
	must(t, err)
	must(t, request.CheckSignature())
	if request.Subject.CommonName != "web.example" || len(request.DNSNames) != 1 || request.DNSNames[0] != "web.example" ||
		len(request.IPAddresses) != 1 || request.IPAddresses[0].String() != "192.0.2.1" {
		t.Errorf("%v %v %v", request.Subject, request.DNSNames, request.IPAddresses)
	}
	if _, err := newCA(t, "root").root(t, "root").CSR("CN=a"); err == nil {
		t.Error("a certificate without a key signed a request")
	}
}

func TestASecretKeyComesBackFromTheFormatsThatHoldOne(t *testing.T) {
	key := bytes.Repeat([]byte{0, 0xff}, 16)
	for _, uri := range []string{"jceks:a.jceks", "pkcs12:a.p12"} {
		scheme, name, _ := strings.Cut(uri, ":")
		dir := t.TempDir()
		s := open(t, at(scheme, name)(dir), filepath.Join(dir, "state"))
		secret, err := certstore.NewSecret("aes", "AES", key)
		must(t, err)
		put(t, s, secret)
		b, err := s.Read()
		must(t, err)
		e, err := b.Find("aes")
		must(t, err)
		got, err := e.KeyBytes()
		must(t, err)
		if e.Kind() != certstore.Secret || !bytes.Equal(got, key) {
			t.Errorf("%s: %v, %x", scheme, e.Kind(), got)
		}
	}
}

func TestAnEarlierGenerationIsReadAndRestoredByteForByte(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.p12")
	s := open(t, "pkcs12:"+path, filepath.Join(dir, "state"), certstore.WithActor("the tests"))
	authority := newCA(t, "ca")
	put(t, s, authority.identity(t, "web", "first"))
	first, err := os.ReadFile(path)
	must(t, err)
	put(t, s, authority.identity(t, "web", "second"))
	rows, err := s.History()
	must(t, err)
	last := rows[len(rows)-1]
	if last.Actor != "the tests" || len(last.SHA256) != 64 || last.Number != 2 {
		t.Errorf("history %+v", rows)
	}
	old, err := s.ReadGeneration(1)
	must(t, err)
	e, err := old.Find("web")
	must(t, err)
	if cert, err := e.X509(); err != nil || cert.Subject.CommonName != "first" {
		t.Errorf("generation 1: %v", err)
	}
	must(t, certstore.Update(background, func(tx *certstore.Tx) error { return tx.Restore(s, 1) }))
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, first) {
		t.Error("generation 1 did not come back byte for byte")
	}
	if _, err := s.ReadGeneration(99); !errors.Is(err, certstore.ErrNotFound) {
		t.Errorf("generation 99: %v", err)
	}
	err = certstore.Update(background, func(tx *certstore.Tx) error { return tx.Restore(s, 99) })
	if !errors.Is(err, certstore.ErrNotFound) {
		t.Errorf("restoring generation 99: %v", err)
	}
}

func TestLossesAreToldBeforeTheyHappen(t *testing.T) {
	b, err := certstore.NewBundle("jceks")
	must(t, err)
	secret, err := certstore.NewSecret("aes", "AES", make([]byte, 16))
	must(t, err)
	must(t, b.Put(secret))
	rows, err := b.Losses("jks")
	must(t, err)
	if len(rows) == 0 || rows[0].Subject != "aes" {
		t.Errorf("to jks: %v", rows)
	}
	if rows, err := b.Losses("jceks"); err != nil || len(rows) != 0 {
		t.Errorf("to its own format: %v %v", rows, err)
	}
}
