// SPDX-License-Identifier: Apache-2.0

package certstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"certstore"
)

// Over a PEM pair; tests/go/check-go runs the example's server over PKCS#12.
func TestAServerTakesUpTenRotationsUnderLoadWithoutAFailedRequest(t *testing.T) {
	const rotations, clients = 10, 2 // fifty: tests/go/check-go, on the example's server
	authority := newCA(t, "ca")
	dir := t.TempDir()
	uri := rows[1].uri(dir)
	s, rotator := open(t, uri, filepath.Join(dir, "state")), open(t, uri, filepath.Join(dir, "state"))
	put(t, rotator, authority.identity(t, "web", "generation 0"))
	f, err := certstore.Follow(s, certstore.Every(5*time.Millisecond))
	must(t, err)
	defer f.Close()
	address := serve(t, f.ServerConfig(nil))
	pool := x509.NewCertPool()
	pool.AddCert(authority.cert)

	var requests atomic.Int64
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i := 0; i < clients; i++ {
		kept := client(pool, i%2 == 0) // half of them hold a connection over every rotation
		group.Add(1)
		go func() {
			defer group.Done()
			defer kept.CloseIdleConnections()
			for n := 0; n < 100000; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := get(kept, address); err != nil {
					t.Errorf("a request failed: %v", err)
					return
				}
				requests.Add(1)
			}
		}()
	}
	for n := 1; n <= rotations; n++ {
		name := fmt.Sprint("generation ", n)
		rotate(t, rotator, authority.identity(t, "web", name))
		awaits(t, func() bool { served, err := served(pool, address); return err == nil && served == name })
	}
	close(stop)
	group.Wait()
	if requests.Load() < rotations {
		t.Errorf("only %d requests", requests.Load())
	}
	t.Logf("%d requests, %d rotations", requests.Load(), rotations)
}

func rotate(t testing.TB, s *certstore.Store, e *certstore.Entry) {
	t.Helper()
	must(t, certstore.Update(background, func(tx *certstore.Tx) error {
		b, err := tx.Read(s)
		if err != nil {
			return err
		}
		for _, old := range b.Entries() {
			if err := b.Remove(old.Alias()); err != nil {
				return err
			}
		}
		return b.Put(e)
	}))
}

// awaits looks until it is so, at most 10,000 times.
func awaits(t testing.TB, so func() bool) {
	t.Helper()
	for i := 0; i < 10000; i++ {
		if so() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("it never became so")
}

func serve(t testing.TB, config *tls.Config) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := &http.Server{TLSConfig: config, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { server.Close(); <-done })
	return listener.Addr().String()
}

func client(roots *x509.CertPool, keep bool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: !keep, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"},
	}}
}

func get(c *http.Client, address string) (string, error) {
	response, err := c.Get("https://" + address)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && string(body) != "ok" {
		err = errors.New("not what the server says")
	}
	return string(body), err
}

// served is the name in the certificate that a new connection is shown.
func served(roots *x509.CertPool, address string) (string, error) {
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: "localhost"})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func TestABrokenStoreLeavesTheLastGoodGenerationServing(t *testing.T) {
	dir := t.TempDir()
	authority := newCA(t, "ca")
	s := open(t, "pem:"+filepath.Join(dir, "a.pem"), filepath.Join(dir, "state"))
	rotate(t, s, authority.identity(t, "web", "first"))
	var changes, failures int
	f, err := certstore.Follow(s, certstore.Every(0), certstore.OnChange(func(b *certstore.Bundle, err error) {
		if err != nil {
			failures++
		} else {
			changes++
		}
	}))
	must(t, err)
	defer f.Close()
	leaf := func() string {
		cert, err := f.GetClientCertificate(&tls.CertificateRequestInfo{Version: tls.VersionTLS13, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}})
		must(t, err)
		return cert.Leaf.Subject.CommonName
	}
	must(t, f.Refresh())
	must(t, os.WriteFile(filepath.Join(dir, "a.pem"), []byte("-----BEGIN CERTIFICATE-----\nbroken"), 0o600))
	for i := 0; i < 2; i++ {
		if f.Refresh() == nil || f.Err() == nil {
			t.Error("a broken store was taken up")
		}
	}
	if leaf() != "first" || failures != 1 || changes != 0 {
		t.Errorf("serves %q; %d failures, %d changes told", leaf(), failures, changes)
	}
	must(t, os.Remove(filepath.Join(dir, "a.pem")))
	if err := f.Refresh(); !errors.Is(err, certstore.ErrNotFound) || leaf() != "first" {
		t.Errorf("after it was removed: %v, %q", err, leaf())
	}
	rotate(t, s, authority.identity(t, "web", "second"))
	must(t, f.Refresh())
	if leaf() != "second" || f.Err() != nil || changes != 1 {
		t.Errorf("serves %q, %v, %d changes told", leaf(), f.Err(), changes)
	}
}

func TestClientAndServerFollowRootsAndIdentitiesOfBothSides(t *testing.T) {
	dir := t.TempDir()
	old, next := newCA(t, "old ca"), newCA(t, "next ca")
	s := open(t, "jks:"+filepath.Join(dir, "a.jks"), dir)
	fill := func(a ca) {
		must(t, certstore.Update(background, func(tx *certstore.Tx) error {
			if err := tx.Put(a.root(t, "root"), s); err != nil {
				return err
			}
			return tx.Put(a.identity(t, "me", a.cert.Subject.CommonName+"'s"), s)
		}))
	}
	fill(old)
	f, err := certstore.Follow(s, certstore.Every(0))
	must(t, err)
	defer f.Close()
	address := serve(t, f.ServerConfig(&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert}))
	local := strings.Replace(address, "127.0.0.1", "localhost", 1)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialer := tls.Dialer{Config: f.ClientConfig(&tls.Config{ServerName: "localhost"})}
		return dialer.DialContext(ctx, "tcp", address)
	}}}
	for _, a := range []ca{old, next} {
		fill(a)
		must(t, f.Refresh())
		if _, err := get(c, local); err != nil {
			t.Errorf("%s: %v", a.cert.Subject.CommonName, err)
		}
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		if _, err := get(client(pool, false), address); err == nil {
			t.Error("a client without a certificate was let in")
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(old.cert)
	if _, err := served(pool, address); err == nil {
		t.Error("the old root still vouches for the server")
	}
}
