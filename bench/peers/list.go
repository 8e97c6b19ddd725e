// SPDX-License-Identifier: Apache-2.0

// list: what a Go program does to list a PEM or JKS store with its standard library: x509.ParseCertificate for every certificate. The JKS
// walk is here because the standard library has none; it checks the digest, and nothing that it could leave out.
//
//	list pem|jks FILE     prints subject and expiry
//	median pem|jks FILE   CPU microseconds of reading once, in this process, after warming up
package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sort"
	"syscall"
	"time"
	"unicode/utf16"
)

const password = "changeit"

type entry struct {
	alias string
	cert  *x509.Certificate
}

func readPEM(data []byte) ([]entry, error) {
	var entries []entry
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{fmt.Sprint(len(entries)), cert})
	}
	return entries, nil
}

func readJKS(data []byte) ([]entry, error) {
	content := data[:len(data)-sha1.Size]
	digest := sha1.New()
	for _, unit := range utf16.Encode([]rune(password)) {
		digest.Write([]byte{byte(unit >> 8), byte(unit)})
	}
	digest.Write([]byte("Mighty Aphrodite"))
	digest.Write(content)
	if !bytes.Equal(digest.Sum(nil), data[len(content):]) {
		return nil, errors.New("wrong digest")
	}
	at := content[8:]
	take := func(n int) []byte { b := at[:n]; at = at[n:]; return b }
	count := int(binary.BigEndian.Uint32(take(4)))
	entries := make([]entry, 0, count)
	for i := 0; i < count; i++ {
		if binary.BigEndian.Uint32(take(4)) != 2 {
			return nil, errors.New("only certificates are measured")
		}
		alias := string(take(int(binary.BigEndian.Uint16(take(2)))))
		take(8)
		take(int(binary.BigEndian.Uint16(take(2))))
		cert, err := x509.ParseCertificate(take(int(binary.BigEndian.Uint32(take(4)))))
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{alias, cert})
	}
	return entries, nil
}

func read(format, path string) ([]entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if format == "pem" {
		return readPEM(data)
	}
	return readJKS(data)
}

func cpu() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return float64(usage.Utime.Sec+usage.Stime.Sec)*1e6 + float64(usage.Utime.Usec+usage.Stime.Usec)
}

func main() {
	verb, format, path := os.Args[1], os.Args[2], os.Args[3]
	entries, err := read(format, path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if verb == "list" {
		out := bufio.NewWriter(os.Stdout)
		defer out.Flush()
		for _, e := range entries {
			fmt.Fprintf(out, "%s\t%s\t%s\n", e.alias, e.cert.Subject, e.cert.NotAfter.UTC().Format(time.DateOnly))
		}
		return
	}
	var runs []float64
	for start := cpu(); len(runs) < 3 || (len(runs) < 15 && cpu()-start < 500e3); {
		before := cpu()
		if _, err := read(format, path); err != nil {
			os.Exit(1)
		}
		runs = append(runs, cpu()-before)
	}
	sort.Float64s(runs)
	fmt.Printf("%.1f\n", runs[len(runs)/2])
}
