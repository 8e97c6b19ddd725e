#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A new identity in several stores, in one transaction, with a probe of its own; when that fails, every store goes back.

rotate.py ALIAS NEW-IDENTITY HOST ROOTS STORE...      ($STORE_PASS opens and seals what needs a passphrase)

The probe is a TLS handshake: a server with what the first store now holds, and a client that trusts ROOTS and expects HOST.
"""
import os
import socket
import ssl
import sys
import threading

import certstore


def probe(store: certstore.Store, roots: certstore.Bundle, host: str) -> None:
    """Raises ssl.SSLError when a client would not accept what the store holds."""
    server = store.ssl_context(server_side=True)
    client = roots.ssl_context()
    here, there = socket.socketpair()
    here.settimeout(10)
    there.settimeout(10)

    def serve() -> None:
        try:
            with server.wrap_socket(here, server_side=True):
                pass
        except OSError:
            pass  # the client says why
        finally:
            here.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(there, server_hostname=host):
            pass
    finally:
        there.close()
        thread.join()


def put(store: certstore.Store, alias: str, identity: certstore.Entry, txn: certstore.Transaction) -> None:
    bundle = store.read()
    keys = [entry.alias for entry in bundle.entries() if entry.kind is certstore.Kind.KEY]
    bundle[keys[0] if store.format == "pem" and len(keys) == 1 else alias] = identity
    txn.replace(store, bundle)


def main(alias: str, source: str, host: str, trusted: str, uris: list[str]) -> int:
    password = os.environ.get("STORE_PASS")
    with certstore.open(source, password=password) as given, certstore.open(trusted) as anchors:
        identity, roots = given.read().identity(), anchors.read()
    key = identity.key
    assert key is not None
    key.check()  # a certificate for another key goes no further
    stores = [certstore.open(uri, password=password) for uri in uris]
    before = [store.generation for store in stores]
    existed = [store.exists() for store in stores]
    with certstore.transaction(f"rotate {alias}") as txn:
        for store in stores:
            put(store, alias, identity, txn)
    try:
        probe(stores[0], roots, host)
    except (ssl.SSLError, OSError) as error:
        with certstore.transaction(f"rotate {alias}: the probe failed") as txn:
            for store, there in zip(stores, existed):
                rows = store.history()
                if there and len(rows) > 1:
                    txn.restore(store, rows[-2].number)
        print(f"rotate: every store is as it was: {error}", file=sys.stderr)
        return 1
    print(f"{alias}: {sum(store.generation != number for store, number in zip(stores, before))} stores changed")
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit("usage: rotate.py ALIAS NEW-IDENTITY HOST ROOTS STORE...")
    try:
        _, name, new, served_as, ca, *targets = sys.argv
        sys.exit(main(name, new, served_as, ca, targets))
    except certstore.Error as failure:
        sys.exit(f"rotate: {failure}")
