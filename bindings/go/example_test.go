// SPDX-License-Identifier: Apache-2.0

package certstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"certstore"
)

const rootPEM = `-----BEGIN CERTIFICATE-----
MIIBYTCCAQegAwIBAgIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxFeGFtcGxl
IFJvb3QwIBcNMjQwMTAxMDAwMDAwWhgPMjEyNDAxMDEwMDAwMDBaMBcxFTATBgNV
BAMMDEV4YW1wbGUgUm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABM98wo34
Leze8U7qfomo7MuFdg00Kq5KJlojU390tCMKI21ZN0DEh1Y0Y94DTFOypWmiFOBp
ci5pBjUX/Ar24Q+jQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEG
MB0GA1UdDgQWBBToi4/U1eypqLKoYokynSMt1eOhmDAKBggqhkjOPQQDAgNIADBF
AiABhtUkgqk5RBdrqLHxCvQ4kSvTIdY6aPD5b8kCRyXm/wIhAMyZMhnaQT75veAh
gvp0H+xrXnDRmLv0wscQc5TSXR/z
-----END CERTIFICATE-----
`

func ExampleUpdate() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	pem, _ := certstore.Open("pem:"+filepath.Join(dir, "ca.pem"), certstore.WithStateDir(dir))
	jks, _ := certstore.Open("jks:"+filepath.Join(dir, "ca.jks"), certstore.WithStateDir(dir), certstore.WithPassword([]byte("changeit")))
	root, _ := certstore.NewTrusted("example-root", []byte(rootPEM))

	err := certstore.Update(context.Background(), func(tx *certstore.Tx) error {
		return tx.Put(root, pem, jks) // both, or neither
	})
	fmt.Println(err, pem.Exists(), jks.Exists())

	err = certstore.Update(context.Background(), func(tx *certstore.Tx) error {
		return tx.Remove("no-such-root", pem, jks)
	})
	fmt.Println(errors.Is(err, certstore.ErrNotFound))
	// Output:
	// <nil> true true
	// true
}

func ExampleParse() {
	bundle, _ := certstore.Parse([]byte(rootPEM), "")
	for _, entry := range bundle.Entries() {
		for _, cert := range entry.Certs() {
			name, _ := cert.Subject()
			fmt.Println(entry.Kind(), name, cert.NotAfter().Format("2006-01-02"))
		}
	}
	// Output:
	// trusted CN=Example Root 2124-01-01
}
