// SPDX-License-Identifier: Apache-2.0

// Package certstore puts PEM files, hashed directories, PKCS#12, JKS and JCEKS key stores behind one API, and replaces what they hold in one
// transaction: every store takes its new content, or none does.
//
// A Store is where certificates and keys live, a Bundle is what it held when it was read, an Entry is one certificate or key of it, and Update changes
// any number of stores together. Keys come out as crypto.Signer, roots as *x509.CertPool, and a Follower gives crypto/tls what a store holds now,
// without a restart when it is rotated.
//
// Everything may be used by many goroutines at once. What is closed, or nil, gives ErrClosed, or nothing where a method has no error to give.
// Errors are *Error; errors.Is tells them by ErrPassword, ErrConflict, ErrNotFound and so on. No error ever holds a secret.
//
// Reading a key makes copies of it in Go's memory (an *rsa.PrivateKey cannot be wiped); those inside the library are wiped when the bundle is closed.
package certstore
