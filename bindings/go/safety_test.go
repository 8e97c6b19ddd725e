// SPDX-License-Identifier: Apache-2.0

package certstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/fstest"

	"certstore"
)

func TestNothingThatIsNilOrClosedCrashes(t *testing.T) {
	dir := t.TempDir()
	closed := open(t, "pem:"+filepath.Join(dir, "a.pem"), dir)
	bundle, err := closed.Read()
	must(t, err)
	root := newCA(t, "root").root(t, "root")
	must(t, bundle.Put(root))
	lent := bundle.Entries()[0]
	must(t, closed.Close())
	must(t, closed.Close())
	must(t, bundle.Close())
	must(t, bundle.Close())
	must(t, root.Close())
	for _, s := range []*certstore.Store{nil, {}, closed} {
		for name, call := range map[string]func() error{
			"Read":       func() error { _, err := s.Read(); return err },
			"History":    func() error { _, err := s.History(); return err },
			"Generation": func() error { _, err := s.Generation(); return err },
			"Recover":    func() error { _, err := s.Recover(); return err },
			"Update": func() error {
				return certstore.Update(background, func(tx *certstore.Tx) error { return tx.Restore(s, 1) })
			},
			"Follow": func() error { _, err := certstore.Follow(s); return err },
		} {
			if err := call(); !errors.Is(err, certstore.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s.Exists() || !s.Changed(bundle) {
			t.Error("a closed store exists, or is unchanged")
		}
	}
	for _, b := range []*certstore.Bundle{nil, {}, bundle} {
		_, find := b.Find("root")
		_, export := b.Export("pem")
		_, pool := b.CertPool("")
		for _, err := range []error{find, export, pool, b.Remove("root"), b.Rename("root", "b")} {
			if !errors.Is(err, certstore.ErrClosed) {
				t.Errorf("%v", err)
			}
		}
		if b.Len() != 0 || b.Entries() != nil || b.Notes() != nil || b.Format() != "" {
			t.Error("a closed bundle holds something")
		}
	}
	for _, e := range []*certstore.Entry{nil, {}, lent, root} {
		_, signer := e.Signer()
		_, x509 := e.X509()
		_, csr := e.CSR("CN=a")
		for _, err := range []error{signer, x509, csr, e.CheckKey()} {
			if !errors.Is(err, certstore.ErrClosed) {
				t.Errorf("%v", err)
			}
		}
		if e.Alias() != "" || e.Certs() != nil || e.Trust() != nil || !e.Created().IsZero() {
			t.Error("a closed entry says something")
		}
	}
	if (certstore.Cert{}).DER() != nil {
		t.Error("a certificate of nothing has bytes")
	}
}

func TestTextWithANULIsRefusedEverywhere(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "jks:"+filepath.Join(dir, "a.jks"), dir)
	b, err := s.Read()
	must(t, err)
	e := newCA(t, "root").root(t, "root")
	calls := map[string]func() error{
		"Open":        func() error { _, err := certstore.Open("pem:a\x00b"); return err },
		"Find":        func() error { _, err := b.Find("a\x00"); return err },
		"Remove":      func() error { return b.Remove("a\x00") },
		"Rename":      func() error { return b.Rename("a", "\x00") },
		"Export":      func() error { _, err := b.Export("\x00"); return err },
		"Parse":       func() error { _, err := certstore.Parse(nil, "\x00"); return err },
		"Losses":      func() error { _, err := b.Losses("\x00"); return err },
		"SetAlias":    func() error { return e.SetAlias("\x00") },
		"AddTrust":    func() error { return e.AddTrust("\x00") },
		"AddReject":   func() error { return e.AddReject("\x00") },
		"CSR":         func() error { _, err := e.CSR("CN=\x00"); return err },
		"NewTrusted":  func() error { _, err := certstore.NewTrusted("\x00", nil); return err },
		"NewSecret":   func() error { _, err := certstore.NewSecret("a", "\x00", nil); return err },
		"NewCRL":      func() error { _, err := certstore.NewCRL("\x00", nil); return err },
		"NewKeyPKCS8": func() error { _, err := certstore.NewKeyPKCS8("\x00", nil); return err },
		"NewBundle":   func() error { _, err := certstore.NewBundle("\x00"); return err },
		"SetNote":     func() error { return certstore.Begin().SetNote("\x00") },
		"StateDir":    func() error { _, err := certstore.StateDir(certstore.WithStateDir("/\x00")); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, certstore.ErrArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEntryStaysWhatItWasWhenItsBundleIsEdited(t *testing.T) {
	b, err := certstore.NewBundle("jks")
	must(t, err)
	must(t, b.Put(newCA(t, "first").root(t, "one")))
	before, err := b.Find("ONE")
	must(t, err)
	for i := 0; i < 100; i++ {
		must(t, b.Put(newCA(t, fmt.Sprint("later ", i)).root(t, "one")))
		runtime.GC()
	}
	must(t, b.Remove("one"))
	cert, err := before.X509()
	must(t, err)
	if cert.Subject.CommonName != "first" || b.Len() != 0 {
		t.Errorf("the entry became %q", cert.Subject.CommonName)
	}
	if err := before.SetAlias("two"); !errors.Is(err, certstore.ErrArgument) {
		t.Errorf("an entry of a bundle was changed: %v", err)
	}
}

func TestStatusesAreGosOwnErrorsWhereGoHasThem(t *testing.T) {
	b, err := certstore.NewBundle("pem")
	must(t, err)
	_, err = b.Find("none")
	if !errors.Is(err, certstore.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	if certstore.ErrInDoubt.String() != "IN_DOUBT" || !errors.Is(certstore.ErrReadOnly, fs.ErrPermission) {
		t.Error("a status has another name")
	}
}

func TestAStoreIsReadFromAnyFileSystemOfGo(t *testing.T) {
	b, err := certstore.NewBundle("pem")
	must(t, err)
	must(t, b.Put(newCA(t, "root").root(t, "root")))
	data, err := b.Export("")
	must(t, err)
	read, err := certstore.ParseFS(fstest.MapFS{"ca.pem": {Data: data}}, "ca.pem", "")
	must(t, err)
	if read.Len() != 1 {
		t.Errorf("%d entries", read.Len())
	}
	if _, err := certstore.ParseFS(fstest.MapFS{}, "ca.pem", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestACancelledContextChangesNothingAndEndsAWait(t *testing.T) {
	dir := t.TempDir()
	uri := "pem:" + filepath.Join(dir, "a.pem")
	s, holder := open(t, uri, dir), open(t, uri, dir)
	root := newCA(t, "root").root(t, "root")
	over, cancel := context.WithCancel(background)
	cancel()
	err := certstore.Update(over, func(tx *certstore.Tx) error { return tx.Put(root, s) })
	if !errors.Is(err, context.Canceled) || s.Exists() {
		t.Errorf("%v, exists %v", err, s.Exists())
	}
	if _, err := s.ReadContext(over); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
	if _, err := certstore.OpenContext(over, uri); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v", err)
	}

	held := certstore.Begin()
	defer held.Rollback()
	must(t, held.Put(root, holder))
	must(t, held.Prepare(background))
	waiting, stop := context.WithCancel(background)
	done := make(chan error)
	go func() {
		done <- certstore.Update(waiting, func(tx *certstore.Tx) error { return tx.Put(root, s) })
	}()
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("while waiting: %v", err)
	}
	quick := open(t, uri, dir, certstore.WithLockTimeout(0))
	if err := certstore.Update(background, func(tx *certstore.Tx) error { return tx.Put(root, quick) }); !errors.Is(err, certstore.ErrLocked) {
		t.Errorf("without a wait: %v", err)
	}
	must(t, held.Commit(background))
	if !s.Exists() {
		t.Error("the holder's commit did not happen")
	}
}

func TestAStoreMayBeClosedAndCollectedUnderAPreparedTransaction(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "pem:"+filepath.Join(dir, "a.pem"), dir)
	tx := certstore.Begin()
	must(t, tx.Put(newCA(t, "root").root(t, "root"), s))
	must(t, tx.Prepare(background))
	must(t, s.Close())
	if err := tx.Commit(background); !errors.Is(err, certstore.ErrClosed) {
		t.Errorf("%v", err)
	}
	tx.Rollback()
	again := open(t, "pem:"+filepath.Join(dir, "a.pem"), dir, certstore.WithLockTimeout(0))
	if again.Exists() {
		t.Error("the commit happened")
	}
	put(t, again, newCA(t, "root").root(t, "root")) // the lock is gone
}

func TestSixteenGoroutinesShareStoresAndEveryUpdateCountsOnce(t *testing.T) {
	const workers, rounds = 16, 5
	dir := t.TempDir()
	a, b := open(t, "jks:"+filepath.Join(dir, "a.jks"), dir), open(t, "pem:"+filepath.Join(dir, "b.pem"), dir)
	root := newCA(t, "root")
	entries := make([]*certstore.Entry, workers)
	for i := range entries {
		entries[i] = newCA(t, fmt.Sprint("root ", i)).root(t, fmt.Sprint("root-", i))
	}
	put(t, a, root.root(t, "root"))
	shared, err := a.Read()
	must(t, err)
	var group sync.WaitGroup
	for i := 0; i < workers; i++ {
		i := i
		group.Add(1)
		go func() {
			defer group.Done()
			stores := []*certstore.Store{a, b}
			if i%2 == 1 {
				stores[0], stores[1] = b, a
			}
			for attempt := 0; attempt < 1000; attempt++ {
				err := certstore.Update(background, func(tx *certstore.Tx) error { return tx.Put(entries[i], stores...) })
				if err == nil {
					break
				}
				if !errors.Is(err, certstore.ErrConflict) && !errors.Is(err, certstore.ErrExists) {
					t.Error(err)
					return
				}
			}
			for n := 0; n < rounds; n++ {
				e, err := shared.Find("root")
				if err != nil || e.Alias() != "root" || shared.Len() != 1 {
					t.Errorf("%v", err)
				}
				if read, err := b.Read(); err != nil || a.Changed(read) == false {
					t.Errorf("%v", err)
				}
			}
		}()
	}
	group.Wait()
	for _, s := range []*certstore.Store{a, b} {
		now, err := s.Read()
		must(t, err)
		for i := 0; i < workers; i++ {
			if found := find(now, fmt.Sprint("root ", i)); found != 1 {
				t.Errorf("%s: %d entries of worker %d", s.URI(), found, i)
			}
		}
	}
}

func find(b *certstore.Bundle, name string) (count int) {
	for _, e := range b.Entries() {
		if cert, err := e.X509(); err == nil && cert.Subject.CommonName == name {
			count++
		}
	}
	return count
}
