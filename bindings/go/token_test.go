// SPDX-License-Identifier: Apache-2.0

package certstore_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"certstore"
)

// The tokens of SoftHSM, all made before its module is loaded: it looks for them once.
const tokenCount = 40

var tokens struct {
	module string
	why    string // there are none
	pin    string // the file that holds the PIN
	taken  int
	mutex  sync.Mutex
}

func softhsm() string {
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

func makeTokens(dir string) string {
	tokens.module, tokens.pin = softhsm(), filepath.Join(dir, "pin")
	if _, err := exec.LookPath("softhsm2-util"); err != nil || tokens.module == "" {
		return "SoftHSM is not installed (Debian: softhsm2)"
	}
	conf := filepath.Join(dir, "softhsm2.conf")
	text := "directories.tokendir = " + dir + "/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
	if err := os.MkdirAll(filepath.Join(dir, "tokens"), 0o700); err != nil {
		return err.Error()
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err.Error()
	}
	if err := os.WriteFile(tokens.pin, append(append([]byte{}, password...), '\n'), 0o600); err != nil {
		return err.Error()
	}
	os.Setenv("SOFTHSM2_CONF", conf)
	os.Setenv("CERTSTORE_TOKEN_DIR", filepath.Join(dir, "locks"))
	for i := 0; i < tokenCount; i++ {
		words := []string{"--init-token", "--free", "--label", fmt.Sprintf("t%d", i), "--so-pin", "87654321", "--pin", string(password)}
		if said, err := exec.Command("softhsm2-util", words...).CombinedOutput(); err != nil {
			return fmt.Sprintf("softhsm2-util: %v: %s", err, said)
		}
	}
	return ""
}

func TestMain(m *testing.M) {
	if os.Getenv("DIE_WITH") != "" {
		prepareAndDie()
	}
	dir, err := os.MkdirTemp("", "certstore-go")
	if err != nil {
		panic(err)
	}
	tokens.why = makeTokens(dir)
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

func needs(t testing.TB, r row) {
	t.Helper()
	if r.token && tokens.why != "" {
		t.Skip(tokens.why)
	}
}

// newToken is the URI of a token that no other test has, once for each folder.
func newToken(dir string) string {
	tokens.mutex.Lock()
	defer tokens.mutex.Unlock()
	name := filepath.Join(dir, "token-uri")
	if uri, err := os.ReadFile(name); err == nil {
		return string(uri)
	}
	if tokens.taken == tokenCount {
		panic("more tokens are needed than tokenCount says")
	}
	uri := fmt.Sprintf("pkcs11:token=t%d?module-path=%s", tokens.taken, tokens.module)
	tokens.taken++
	if err := os.WriteFile(name, []byte(uri), 0o600); err != nil {
		panic(err)
	}
	return uri
}

// onToken puts an identity on a token and gives the entry as the token shows it.
func onToken(t testing.TB, key crypto.Signer, authority ca) *certstore.Entry {
	t.Helper()
	needs(t, row{token: true})
	dir := t.TempDir()
	s := open(t, newToken(dir), filepath.Join(dir, "state"))
	put(t, s, authority.identityOf(t, "web", "localhost", key))
	e := only(t, s)
	if !e.Bound() {
		t.Fatal("the key can leave the token")
	}
	if _, err := e.KeyBytes(); !errors.Is(err, certstore.ErrBound) {
		t.Fatalf("KeyBytes: %v", err)
	}
	return e
}

func TestAnRSAKeyOfATokenSignsAndDecryptsAsGosOwnDoes(t *testing.T) {
	key := newRSA(t)
	e := onToken(t, key, newCA(t, "ca"))
	signer, err := e.Signer()
	must(t, err)
	public := signer.Public().(*rsa.PublicKey)
	if !public.Equal(&key.PublicKey) {
		t.Fatal("another public key")
	}
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		h := hash.New()
		h.Write([]byte("text"))
		digest := h.Sum(nil)
		signature, err := signer.Sign(rand.Reader, digest, hash)
		must(t, err)
		must(t, rsa.VerifyPKCS1v15(public, hash, digest, signature))
		options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		signature, err = signer.Sign(rand.Reader, digest, options)
		must(t, err)
		must(t, rsa.VerifyPSS(public, hash, digest, signature, options))
	}
	decrypter, err := e.Decrypter()
	must(t, err)
	// SoftHSM does OAEP with SHA-1 only.
	sealed, err := rsa.EncryptOAEP(crypto.SHA1.New(), rand.Reader, public, []byte("secret"), nil)
	must(t, err)
	opened, err := decrypter.Decrypt(rand.Reader, sealed, &rsa.OAEPOptions{Hash: crypto.SHA1})
	must(t, err)
	if string(opened) != "secret" {
		t.Errorf("OAEP: %q", opened)
	}
	session := bytes.Repeat([]byte{7}, 48)
	sealed, err = rsa.EncryptPKCS1v15(rand.Reader, public, session)
	must(t, err)
	for _, options := range []crypto.DecrypterOpts{nil, &rsa.PKCS1v15DecryptOptions{}, &rsa.PKCS1v15DecryptOptions{SessionKeyLen: 48}} {
		if opened, err = decrypter.Decrypt(rand.Reader, sealed, options); err != nil || !bytes.Equal(opened, session) {
			t.Errorf("PKCS#1 v1.5 with %+v: %x %v", options, opened, err)
		}
	}
	sealed[10] ^= 1
	opened, err = decrypter.Decrypt(rand.Reader, sealed, &rsa.PKCS1v15DecryptOptions{SessionKeyLen: 48})
	if err != nil || len(opened) != 48 || bytes.Equal(opened, session) {
		t.Errorf("a damaged session key: %x %v", opened, err)
	}
	if _, err := decrypter.Decrypt(rand.Reader, sealed, &rsa.OAEPOptions{Hash: crypto.SHA1, Label: []byte("l")}); !errors.Is(err, certstore.ErrUnsupported) {
		t.Errorf("a label: %v", err)
	}
}

func TestAnECAndAnEd25519KeyOfATokenSign(t *testing.T) {
	authority := newCA(t, "ca")
	signer, err := onToken(t, authority.key, authority).Signer()
	must(t, err)
	digest := sha512.Sum384([]byte("text"))
	signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA384)
	must(t, err)
	if !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), digest[:], signature) {
		t.Error("EC: the signature does not verify")
	}
	if _, err := signer.Sign(rand.Reader, digest[:5], crypto.SHA384); !errors.Is(err, certstore.ErrArgument) {
		t.Errorf("a digest of another size: %v", err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err = onToken(t, ed, authority).Signer()
	must(t, err)
	signature, err = signer.Sign(rand.Reader, []byte("text"), crypto.Hash(0))
	must(t, err)
	if !ed25519.Verify(signer.Public().(ed25519.PublicKey), []byte("text"), signature) {
		t.Error("Ed25519: the signature does not verify")
	}
}

func TestAKeyOfATokenWorksWhenStoreAndBundleAreClosed(t *testing.T) {
	needs(t, row{token: true})
	dir := t.TempDir()
	s := open(t, newToken(dir), filepath.Join(dir, "state"))
	authority := newCA(t, "ca")
	put(t, s, authority.identity(t, "web", "localhost"))
	b, err := s.Read()
	must(t, err)
	e, err := b.Find("web")
	must(t, err)
	signer, err := e.Signer()
	must(t, err)
	must(t, b.Close())
	must(t, s.Close())
	digest := sha256.Sum256([]byte("text"))
	_, err = signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	must(t, err)
}

func TestBothEndsOfATLSConnectionKeepTheirKeysOnTokens(t *testing.T) {
	authority := newCA(t, "ca")
	roots := x509.NewCertPool()
	roots.AddCert(authority.cert)
	for _, key := range []crypto.Signer{newRSA(t), authority.key} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			server, err := onToken(t, key, authority).TLS()
			must(t, err)
			client, err := onToken(t, key, authority).TLS()
			must(t, err)
			left, right := net.Pipe()
			done := make(chan error, 1)
			go func() {
				conn := tls.Server(left, &tls.Config{
					Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
					MinVersion: version, MaxVersion: version,
				})
				_, err := io.WriteString(conn, "hello")
				conn.Close()
				done <- err
			}()
			conn := tls.Client(right, &tls.Config{
				Certificates: []tls.Certificate{client}, RootCAs: roots, ServerName: "localhost", MinVersion: version, MaxVersion: version,
			})
			said, err := io.ReadAll(conn)
			if err != nil || string(said) != "hello" {
				t.Errorf("%T, version %x: %q %v", key, version, said, err)
			}
			must(t, <-done)
			conn.Close()
		}
	}
}

func TestSixteenGoroutinesSignWithOneKeyOfAToken(t *testing.T) {
	authority := newCA(t, "ca")
	signer, err := onToken(t, authority.key, authority).Signer()
	must(t, err)
	digest := sha256.Sum256([]byte("text"))
	var group sync.WaitGroup
	for i := 0; i < 16; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := 0; n < 20; n++ {
				signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
				if err != nil || !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), digest[:], signature) {
					t.Errorf("signature %d: %v", n, err)
					return
				}
			}
		}()
	}
	group.Wait()
}
