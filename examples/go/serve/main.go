// SPDX-License-Identifier: Apache-2.0

// serve: an HTTPS server that takes up a rotated certificate without a restart and without dropping a connection.
//
//	serve STORE [ADDRESS]      STORE_PASS holds the passphrase; ADDRESS is 127.0.0.1:8443 without one
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"certstore"
)

func run(uri, address string) error {
	store, err := certstore.Open(uri, certstore.WithPassword([]byte(os.Getenv("STORE_PASS"))))
	if err != nil {
		return err
	}
	defer store.Close()
	follower, err := certstore.Follow(store, certstore.OnChange(func(b *certstore.Bundle, err error) {
		if err != nil {
			log.Printf("still serving the last good certificate: %v", err)
			return
		}
		log.Printf("took up a new generation of %s", uri)
	}))
	if err != nil {
		return err
	}
	defer follower.Close()
	server := &http.Server{Addr: address, TLSConfig: follower.ServerConfig(nil), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "hello")
	})}
	return server.ListenAndServeTLS("", "")
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: serve STORE [ADDRESS]")
		os.Exit(2)
	}
	address := "127.0.0.1:8443"
	if len(os.Args) > 2 {
		address = os.Args[2]
	}
	if err := run(os.Args[1], address); err != nil {
		log.Fatal(err)
	}
}
