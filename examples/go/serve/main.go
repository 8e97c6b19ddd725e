// SPDX-License-Identifier: Apache-2.0

// serve: an HTTPS server that takes up a rotated certificate without a restart and without dropping a connection.
//
//	serve STORE [ADDRESS [INTERVAL]]      STORE_PASS holds the passphrase; ADDRESS is 127.0.0.1:8443 without one, INTERVAL ("5s") how often to look
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"certstore"
)

func run(uri, address string, interval time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	store, err := certstore.Open(uri, certstore.WithPassword([]byte(os.Getenv("STORE_PASS"))))
	if err != nil {
		return err
	}
	defer store.Close()
	follower, err := certstore.Follow(store, certstore.Every(interval), certstore.OnChange(func(b *certstore.Bundle, err error) {
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
	go func() { // what is being answered is answered to the end
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServeTLS("", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: serve STORE [ADDRESS [INTERVAL]]")
		os.Exit(2)
	}
	address, interval := "127.0.0.1:8443", time.Second
	if len(os.Args) > 2 {
		address = os.Args[2]
	}
	if len(os.Args) > 3 {
		var err error
		if interval, err = time.ParseDuration(os.Args[3]); err != nil {
			log.Fatal(err)
		}
	}
	if err := run(os.Args[1], address, interval); err != nil {
		log.Fatal(err)
	}
}
