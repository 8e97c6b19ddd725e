# SPDX-License-Identifier: Apache-2.0
"""Certificates and keys behind one API: PEM, hashed directories, PKCS#12 and Java key stores, replaced in one transaction.

    with certstore.open("pem:/etc/app/ca.pem") as pem, certstore.open("jks:/etc/app/cacerts.jks", password=b"changeit") as jks:
        with certstore.transaction() as txn:      # commits on success, rolls back on any exception
            for store in (pem, jks):
                roots = store.read()              # a MutableMapping[str, Entry]
                del roots["old-root"]
                txn.replace(store, roots)

A Store is where certificates and keys live; a Bundle is its value; an Entry is one thing in it and never changes. Every failure is an Error,
which is also the built-in exception it resembles (a missing alias is a KeyError). Times are aware datetimes in UTC.
"""
from ._errors import (
    ArgumentError,
    BoundError,
    ConflictError,
    Error,
    ExistsError,
    InDoubtError,
    LimitError,
    LockedError,
    LossyError,
    MalformedError,
    MismatchError,
    NoMacError,
    NoSpaceError,
    NotFoundError,
    OutOfMemoryError,
    PasswordError,
    PendingError,
    ReadOnlyError,
    Status,
    SystemFailure,
    TamperedError,
    TruncatedError,
    UnavailableError,
    UnsupportedError,
)
from ._options import Limit
from ._store import Bundle, Generation, Store, Transaction, formats, open, pending, recover, state_dir, transaction, version
from ._values import Capability, Certificate, Entry, Finding, Integrity, Key, KeyPolicy, Kind, Severity

__version__ = "0.1.0"
__all__ = [
    "ArgumentError",
    "BoundError",
    "Bundle",
    "Capability",
    "Certificate",
    "ConflictError",
    "Entry",
    "Error",
    "ExistsError",
    "Finding",
    "Generation",
    "InDoubtError",
    "Integrity",
    "Key",
    "KeyPolicy",
    "Kind",
    "Limit",
    "LimitError",
    "LockedError",
    "LossyError",
    "MalformedError",
    "MismatchError",
    "NoMacError",
    "NoSpaceError",
    "NotFoundError",
    "OutOfMemoryError",
    "PasswordError",
    "PendingError",
    "ReadOnlyError",
    "Severity",
    "Status",
    "Store",
    "SystemFailure",
    "TamperedError",
    "Transaction",
    "TruncatedError",
    "UnavailableError",
    "UnsupportedError",
    "formats",
    "open",
    "pending",
    "recover",
    "state_dir",
    "transaction",
    "version",
]
