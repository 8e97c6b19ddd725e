// SPDX-License-Identifier: Apache-2.0

// load: requests without a pause, over kept and over new connections, while a command replaces the server's certificate again and again.
//
//	load ROOT.PEM ADDRESS ROTATIONS COMMAND [WORD...]      COMMAND gets the number of the rotation as its last word
//
// Exit status 0: every request was answered, and each rotation's certificate (another serial number) was served.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var (
	roots    = x509.NewCertPool()
	requests atomic.Int64
)

func config() *tls.Config { return &tls.Config{RootCAs: roots, ServerName: "localhost"} }

func ask(client *http.Client, address string) error {
	response, err := client.Get("https://" + address)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || len(body) == 0) {
		err = fmt.Errorf("%s, %d bytes", response.Status, len(body))
	}
	return err
}

func press(address string, keep bool, stop chan struct{}) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: !keep, TLSClientConfig: config()}}
	for n := 0; n < 1000000; n++ {
		select {
		case <-stop:
			return
		default:
		}
		if err := ask(client, address); err != nil {
			log.Fatalf("a request failed: %v", err)
		}
		requests.Add(1)
		time.Sleep(time.Millisecond) // the server and the rotations share the processor with us
	}
}

func served(address string) string {
	conn, err := tls.Dial("tcp", address, config())
	if err != nil {
		return ""
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// awaits looks until it is so, for at most a minute.
func awaits(what string, so func() bool) {
	for i := 0; i < 12000; i++ {
		if so() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	log.Fatalf("it never came to %s", what)
}

func main() {
	pem, err := os.ReadFile(os.Args[1])
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		log.Fatalf("%s: no root there (%v)", os.Args[1], err)
	}
	address := os.Args[2]
	rotations, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	awaits("a server", func() bool { return served(address) != "" })
	stop := make(chan struct{})
	var group sync.WaitGroup
	for _, keep := range []bool{true, false} {
		keep := keep
		group.Add(1)
		go func() { defer group.Done(); press(address, keep, stop) }()
	}
	for n := 1; n <= rotations; n++ {
		before := served(address)
		words := append(append([]string{}, os.Args[5:]...), strconv.Itoa(n))
		if said, err := exec.Command(os.Args[4], words...).CombinedOutput(); err != nil {
			log.Fatalf("rotation %d: %v: %s", n, err, said)
		}
		awaits("another certificate", func() bool { now := served(address); return now != "" && now != before })
	}
	close(stop)
	group.Wait()
	fmt.Printf("%d requests, %d rotations\n", requests.Load(), rotations)
}
