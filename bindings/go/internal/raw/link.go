// SPDX-License-Identifier: Apache-2.0

// Package raw is certstore.h as SWIG wraps it; raw.go and raw_wrap.c are generated (make go-generate) and committed, so that nobody needs SWIG to
// build. What it cannot say itself stands here: how to link, and how bytes of the library become bytes of Go.
package raw

// #cgo pkg-config: certstore
import "C"
import "unsafe"

// Take copies what the library handed over and gives it back, which wipes it.
func Take(bytes Struct_SS_certstore_bytes) []byte {
	if bytes.Swigcptr() == 0 {
		return nil
	}
	defer Certstore_bytes_free(bytes)
	return append([]byte{}, unsafe.Slice(Certstore_bytes_data(bytes), Certstore_bytes_size(bytes))...)
}

// DER copies a certificate's bytes.
func DER(cert Struct_SS_certstore_cert) []byte {
	return append([]byte{}, unsafe.Slice(Certstore_cert_data(cert), Certstore_cert_size(cert))...)
}
