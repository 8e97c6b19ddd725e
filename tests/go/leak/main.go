// SPDX-License-Identifier: Apache-2.0

// leak: goes the ways of the binding, closes what it opened, and asks LeakSanitizer whether C memory is left that nothing points to. It is linked with
// -fsanitize=leak. With an argument it loses one object on purpose, which must be found.
package main

// #include <stdlib.h>
// #include <sanitizer/lsan_interface.h>
// static void lose(void) { *(volatile char *)malloc(4321) = 1; }
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"certstore"
)

func main() {
	dir, err := os.MkdirTemp("", "")
	check(err)
	root, err := os.ReadFile(os.Getenv("ROOT_PEM"))
	check(err)
	for i := 0; i < 20; i++ {
		for _, format := range []string{"pem", "pkcs12", "jks", "jceks", "pemdir"} {
			round(dir, fmt.Sprintf("%s:%s/%s", format, dir, format), root)
		}
		failures(dir, root)
	}
	os.RemoveAll(dir)
	for i := 0; i < 3; i++ { // versions of bundles that were edited are the collector's
		collected := make(chan struct{})
		runtime.SetFinalizer(&sentinel{}, func(*sentinel) { close(collected) })
		runtime.GC()
		<-collected
	}
	if len(os.Args) > 1 {
		for i := 0; i < 10; i++ {
			C.lose()
		}
	}
	if C.__lsan_do_recoverable_leak_check() != 0 {
		os.Exit(1)
	}
	os.Exit(0)
}

type sentinel struct{ _ [64]byte }

func round(dir, uri string, root []byte) {
	store, err := certstore.Open(uri, certstore.WithStateDir(filepath.Join(dir, "state")), certstore.WithPassword([]byte("changeit")),
		certstore.WithEntryPassword("web", []byte("its own")))
	check(err)
	defer store.Close()
	entry, err := certstore.NewTrusted("root", root)
	check(err)
	defer entry.Close()
	check(certstore.Update(context.Background(), func(tx *certstore.Tx) error { return tx.Put(entry, store) }))
	bundle, err := store.Read()
	check(err)
	defer bundle.Close()
	for _, e := range bundle.Entries() {
		for _, cert := range e.Certs() {
			_, err = cert.Subject()
			check(err)
			_, err = cert.SANs()
			check(err)
		}
		copied, err := e.Copy()
		check(err)
		check(copied.SetAlias("another"))
		check(copied.Close())
	}
	_, err = bundle.CertPool("serverAuth")
	check(err)
	_, err = store.History()
	check(err)
	check(bundle.Remove(bundle.Entries()[0].Alias()))
}

// failures goes ways that end in errors.
func failures(dir string, root []byte) {
	if _, err := certstore.Open("pem:", certstore.WithStateDir(dir)); !errors.Is(err, certstore.ErrArgument) {
		check(fmt.Errorf("open: %w", err))
	}
	if _, err := certstore.Parse([]byte("nothing"), "jks", certstore.WithPassword([]byte("x"))); err == nil {
		check(errors.New("nothing was parsed"))
	}
	if _, err := certstore.NewTrusted("a", root[:100]); err == nil {
		check(errors.New("half a certificate was taken"))
	}
	lost := errors.New("lost interest")
	store, err := certstore.Open("pem:"+filepath.Join(dir, "never.pem"), certstore.WithStateDir(filepath.Join(dir, "state")))
	check(err)
	defer store.Close()
	err = certstore.Update(context.Background(), func(tx *certstore.Tx) error {
		entry, err := certstore.NewTrusted("root", root)
		check(err)
		defer entry.Close()
		check(tx.Put(entry, store))
		check(tx.Prepare(context.Background()))
		return lost
	})
	if err != lost {
		check(fmt.Errorf("update: %w", err))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
