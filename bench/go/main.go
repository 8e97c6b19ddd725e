// SPDX-License-Identifier: Apache-2.0

// bench/go: what a Go program pays to read a store through the binding: alias and parsed certificate of each, as Go's own reader gives them; and what
// one call costs.
//
//	read URI            CPU microseconds of reading once, in this process, after warming up
//	der URI             the same, with the certificates as DER only
//	call ours|cgo|go    CPU microseconds of one call: of the library's, of an empty C function, of an empty Go function
package main

// static void nothing(void) {}
import "C"

import (
	"fmt"
	"log"
	"os"
	"sort"
	"syscall"

	"certstore"
)

const calls = 200000

func cpu() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return float64(usage.Utime.Sec+usage.Stime.Sec)*1e6 + float64(usage.Utime.Usec+usage.Stime.Usec)
}

func median(run func()) float64 {
	run()
	var runs []float64
	for start := cpu(); len(runs) < 3 || (len(runs) < 15 && cpu()-start < 500e3); {
		before := cpu()
		run()
		runs = append(runs, cpu()-before)
	}
	sort.Float64s(runs)
	return runs[len(runs)/2]
}

func read(uri string, parse bool) {
	store, err := certstore.Open(uri, certstore.WithPassword([]byte("changeit")))
	check(err)
	defer store.Close()
	bundle, err := store.Read()
	check(err)
	defer bundle.Close()
	for _, entry := range bundle.Entries() {
		if entry.Alias() == "" {
			log.Fatal("an entry without an alias")
		}
		if !parse {
			_ = entry.Certs()[0].DER()
			continue
		}
		_, err := entry.X509()
		check(err)
	}
}

//go:noinline
func nothing() {}

func call(how string) func() {
	one := map[string]func(){"ours": func() { _ = certstore.Capabilities("jks") }, "cgo": func() { C.nothing() }, "go": nothing}[how]
	return func() {
		for i := 0; i < calls; i++ {
			one()
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	switch os.Args[1] {
	case "read":
		fmt.Printf("%.1f\n", median(func() { read(os.Args[2], true) }))
	case "der":
		fmt.Printf("%.1f\n", median(func() { read(os.Args[2], false) }))
	case "call":
		fmt.Printf("%.4f\n", median(call(os.Args[2]))/calls)
	}
}
