# SPDX-License-Identifier: Apache-2.0
"""ssl.SSLContext from what a store holds. The private key is never in a file on a disk: ssl wants a path, and gets one of memory."""
from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Iterable

from ._errors import Status, failure
from ._values import Entry, Kind


def _serves(entry: Entry, purpose: str) -> bool:
    if purpose in entry.reject or "any" in entry.reject:
        return False
    return not entry.trust or purpose in entry.trust or "any" in entry.trust


def load_trust(context: ssl.SSLContext, entries: Iterable[Entry], purpose: str) -> None:
    """Trust the trusted certificates that may serve the purpose."""
    anchors = b"".join(e.certificates[0].der for e in entries if e.kind is Kind.TRUSTED and _serves(e, purpose))
    if not anchors:
        raise failure(Status.NOT_FOUND, f"trust: the store holds no certificate that is trusted for {purpose}", "", "")
    context.load_verify_locations(cadata=anchors)


def load_identity(context: ssl.SSLContext, entry: Entry) -> None:
    """Present the entry's chain, with its key."""
    key = entry.key
    if key is None or entry.kind is not Kind.KEY or not entry.certificates:
        raise failure(Status.ARGUMENT, f"{entry.alias}: it is no private key with a certificate, which an identity is", "", entry.alias)
    pem = bytearray("".join(c.pem for c in entry.certificates).encode())
    pem += b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(key.export()) + b"-----END PRIVATE KEY-----\n"
    fd = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(fd), "wb", buffering=0) as file:
            file.write(pem)  # to memory: whole, or an exception
        context.load_cert_chain(f"/proc/self/fd/{fd}")
    finally:
        pem[:] = bytes(len(pem))
        os.pwrite(fd, pem, 0)
        os.close(fd)


def context(trust: Iterable[Entry] | None, identity: Entry | None, server_side: bool) -> ssl.SSLContext:
    """A context for one side. A server demands a client certificate where trust is given."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    if trust is not None:
        load_trust(made, trust, "clientAuth" if server_side else "serverAuth")
        made.verify_mode = ssl.CERT_REQUIRED
    if identity is not None:
        load_identity(made, identity)
    return made
