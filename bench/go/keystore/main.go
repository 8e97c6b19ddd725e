// SPDX-License-Identifier: Apache-2.0

// keystore: CPU microseconds of reading a JKS once with keystore-go, and of parsing its certificates. Built only where that module is at hand.
package main

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"sort"
	"syscall"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
)

func cpu() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return float64(usage.Utime.Sec+usage.Stime.Sec)*1e6 + float64(usage.Utime.Usec+usage.Stime.Usec)
}

func read(path string) {
	data, err := os.ReadFile(path)
	check(err)
	store := keystore.New(keystore.WithOrderedAliases())
	check(store.Load(bytes.NewReader(data), []byte("changeit")))
	for _, alias := range store.Aliases() {
		entry, err := store.GetTrustedCertificateEntry(alias)
		check(err)
		_, err = x509.ParseCertificate(entry.Certificate.Content)
		check(err)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	var runs []float64
	read(os.Args[1])
	for start := cpu(); len(runs) < 3 || (len(runs) < 15 && cpu()-start < 500e3); {
		before := cpu()
		read(os.Args[1])
		runs = append(runs, cpu()-before)
	}
	sort.Float64s(runs)
	fmt.Printf("%.1f\n", runs[len(runs)/2])
}
