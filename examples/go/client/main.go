// SPDX-License-Identifier: Apache-2.0

// client: asks a server that wants a client certificate; the certificate's private key stays in its HSM, which signs each handshake.
//
//	client IDENTITY-STORE ROOTS-STORE URL      such as: client 'pkcs11:token=app?pin-source=file:/etc/app/pin' /etc/app/roots.pem https://api.example
//
// Any store will do, also one in a file. Both are followed: a service that keeps the client takes up a new certificate, or new roots, by itself.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"certstore"
)

func follow(uri string) (*certstore.Follower, error) {
	var options []certstore.Option
	if pass := os.Getenv("STORE_PASS"); pass != "" { // a token's PIN, where its URI names no pin-source
		options = append(options, certstore.WithPassword([]byte(pass)))
	}
	store, err := certstore.Open(uri, options...)
	if err != nil {
		return nil, err
	}
	return certstore.Follow(store)
}

func run(identity, roots, url string) error {
	mine, err := follow(identity)
	if err != nil {
		return err
	}
	defer mine.Close()
	theirs, err := follow(roots)
	if err != nil {
		return err
	}
	defer theirs.Close()
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: theirs.CertPool(), GetClientCertificate: mine.GetClientCertificate}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: config}}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	_, err = io.Copy(os.Stdout, io.LimitReader(response.Body, 1<<20))
	return err
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: client IDENTITY-STORE ROOTS-STORE URL")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}
