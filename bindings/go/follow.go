// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Follower keeps what a store holds now at hand, as TLS wants it, and takes up each new generation while the program runs. Looking costs one stat
// a file. A store that cannot be used at the moment (half written by another program, a wrong passphrase, a certificate without its key) changes
// nothing: the last good generation goes on, and Err says why.
type Follower struct {
	store    *Store
	onChange func(*Bundle, error)
	now      atomic.Pointer[material]
	err      atomic.Pointer[error]
	looking  sync.Mutex
	stop     chan struct{}
	stopped  chan struct{}
	once     sync.Once
}

// material is one generation, and never changes.
type material struct {
	bundle     *Bundle
	identities []tls.Certificate
	roots      *x509.CertPool
}

// FollowOption says how to follow.
type FollowOption func(*followSettings)

type followSettings struct {
	every    time.Duration
	onChange func(*Bundle, error)
}

// Every says how often to look; a second without it. 0: only when Refresh is called.
func Every(interval time.Duration) FollowOption {
	return func(s *followSettings) { s.every = interval }
}

// OnChange is called with each new generation, and with each error that is not the one before it, by the goroutine that looks.
func OnChange(f func(*Bundle, error)) FollowOption {
	return func(s *followSettings) { s.onChange = f }
}

// Follow loads the store and goes on looking until the Follower is closed. The store stays the caller's: close it afterwards.
func Follow(store *Store, opts ...FollowOption) (*Follower, error) {
	s := followSettings{every: time.Second}
	for _, opt := range opts {
		opt(&s)
	}
	f := &Follower{store: store, onChange: s.onChange, stop: make(chan struct{}), stopped: make(chan struct{})}
	first, err := load(store)
	if err != nil {
		return nil, err
	}
	f.now.Store(first)
	if s.every <= 0 {
		close(f.stopped)
		return f, nil
	}
	go f.look(s.every)
	return f, nil
}

func load(store *Store) (*material, error) {
	bundle, err := store.Read()
	if err != nil {
		return nil, err
	}
	m := &material{bundle: bundle}
	if m.roots, err = bundle.CertPool(""); err != nil {
		return nil, err
	}
	for _, e := range bundle.Entries() {
		if e.Kind() != Key || len(e.Certs()) == 0 {
			continue
		}
		identity, err := e.TLS()
		if errors.Is(err, ErrUnsupported) {
			continue // a key that Go cannot use; the others may be what is served
		}
		if err != nil {
			return nil, err
		}
		m.identities = append(m.identities, identity)
	}
	return m, nil
}

func (f *Follower) look(every time.Duration) {
	defer close(f.stopped)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-ticker.C:
			_ = f.Refresh()
		}
	}
}

// Refresh looks now, and loads what has changed.
func (f *Follower) Refresh() error {
	f.looking.Lock()
	defer f.looking.Unlock()
	if !f.store.Changed(f.now.Load().bundle) {
		f.err.Store(nil)
		return nil
	}
	next, err := load(f.store)
	if err == nil && len(next.identities) == 0 && len(f.now.Load().identities) > 0 {
		err = &Error{Op: "follow", Status: ErrNotFound, Message: f.store.URI() + ": it holds no identity any more", Subject: f.store.URI()}
	}
	before, old := f.Err(), f.now.Load().bundle
	if err != nil {
		f.err.Store(&err)
		if f.onChange != nil && (before == nil || before.Error() != err.Error()) {
			f.onChange(nil, err)
		}
		return err
	}
	f.now.Store(next)
	f.err.Store(nil)
	// Bytes may be written anew, or a time be too young to trust, where nothing has changed.
	if rows, err := old.Diff(next.bundle); f.onChange != nil && (err != nil || len(rows) > 0) {
		f.onChange(next.bundle, nil)
	}
	return nil
}

// Close stops looking; what was loaded last stays usable.
func (f *Follower) Close() error {
	f.once.Do(func() { close(f.stop) })
	<-f.stopped
	return nil
}

// Err is why the newest content could not be taken up; nil when it could.
func (f *Follower) Err() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Bundle is the generation in use. Do not close it: others may be using it.
func (f *Follower) Bundle() *Bundle { return f.now.Load().bundle }

// CertPool holds the trusted certificates of the generation in use.
func (f *Follower) CertPool() *x509.CertPool { return f.now.Load().roots }

// GetCertificate is for tls.Config: the identity that fits what the client asks for, else the first.
func (f *Follower) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	identities := f.now.Load().identities
	if len(identities) == 0 {
		return nil, &Error{Op: "TLS", Status: ErrNotFound, Message: f.store.URI() + ": it holds no identity", Subject: f.store.URI()}
	}
	for i := range identities {
		if hello.SupportsCertificate(&identities[i]) == nil {
			return &identities[i], nil
		}
	}
	return &identities[0], nil
}

// GetClientCertificate is for tls.Config: the identity that fits what the server asks for, or none.
func (f *Follower) GetClientCertificate(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	identities := f.now.Load().identities
	for i := range identities {
		if request.SupportsCertificate(&identities[i]) == nil {
			return &identities[i], nil
		}
	}
	return &tls.Certificate{}, nil
}

// ServerConfig makes a configuration whose certificate, and whose client roots where base asks for client certificates and names none, are at each
// handshake those of the generation in use. base may be nil.
func (f *Follower) ServerConfig(base *tls.Config) *tls.Config {
	config := clone(base)
	config.GetCertificate = f.GetCertificate
	if config.ClientAuth == tls.NoClientCert || config.ClientCAs != nil {
		return config
	}
	inner := config.Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := inner.Clone()
		now.ClientCAs = f.CertPool()
		return now, nil
	}
	return config
}

// ClientConfig makes a configuration for one connection: the roots are those of the generation in use now, unless base names others, and the client
// certificate follows. Dial makes one for each connection by itself.
func (f *Follower) ClientConfig(base *tls.Config) *tls.Config {
	config := clone(base)
	config.GetClientCertificate = f.GetClientCertificate
	if config.RootCAs == nil {
		config.RootCAs = f.CertPool()
	}
	return config
}

// Dial connects with the generation in use; its shape is that of http.Transport.DialTLSContext, so an HTTP client that is given it follows the store.
func (f *Follower) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := tls.Dialer{Config: f.ClientConfig(nil)}
	return dialer.DialContext(ctx, network, address)
}

func clone(base *tls.Config) *tls.Config {
	if base == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return base.Clone()
}
