# SPDX-License-Identifier: Apache-2.0
"""Stores, their values, and transactions over them."""
from __future__ import annotations

import contextlib
import datetime
import os
import ssl
import time
from collections.abc import Iterator, Mapping, MutableMapping
from types import TracebackType
from typing import Any, NamedTuple

from . import _options, _tls, lowlevel
from ._errors import Error, Status, failure
from ._guard import Guard
from ._options import Limit, Password, Path
from ._values import Capability, Entry, Finding, Integrity, Key, KeyPolicy, Kind, findings, moment, seconds_of


def _closed(noun: str) -> Error:
    return failure(Status.ARGUMENT, f"{noun}: it is closed; use another one", "", "")


class Generation(NamedTuple):
    """What a store was at some time. time: aware, None where it is no longer known. kept: whether Transaction.restore() can go back to it."""

    number: int
    time: datetime.datetime | None
    actor: str
    note: str
    txn: str
    sha256: str
    kept: bool


class Bundle(MutableMapping[str, Entry]):
    """The value of a store: entries in its order, each under an alias. Changing it changes no store; Transaction.replace() does.

    Aliases follow the format's rule: in Java's formats upper and lower case are the same. An iteration goes over the aliases as they were when it
    began. A bundle may be read by many threads at once.
    """

    __slots__ = ("_raw",)

    def __init__(self, format: str = "pem") -> None:
        """An empty bundle in the terms of a format."""
        self._raw = lowlevel.certstore_bundle_new(format)

    @classmethod
    def _of(cls, raw: Any) -> Bundle:
        bundle = cls.__new__(cls)
        bundle._raw = raw
        return bundle

    @classmethod
    def parse(cls, data: bytes | bytearray | memoryview, format: str | None = None, **options: Any) -> Bundle:
        """Reads a store that is in memory. format None: recognised by content. options: the keywords of open()."""
        if isinstance(data, (bytearray, memoryview)):
            data = bytes(data)  # nobody changes them while they are read
        return cls._of(lowlevel.certstore_bundle_parse(data, format, _options.make(**options)))

    @property
    def format(self) -> str:
        return str(lowlevel.certstore_bundle_format(self._raw))

    @property
    def integrity(self) -> Integrity:
        return Integrity(lowlevel.certstore_bundle_integrity(self._raw))

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What reading had to say."""
        return findings(lowlevel.certstore_bundle_notes(self._raw))

    def __len__(self) -> int:
        return int(lowlevel.certstore_bundle_count(self._raw))

    def __iter__(self) -> Iterator[str]:
        return iter([entry.alias for entry in self.entries()])

    def entries(self) -> list[Entry]:
        """Every entry, in the store's order."""
        return [Entry._of(lowlevel.certstore_bundle_at(self._raw, i)) for i in range(len(self))]

    def __contains__(self, alias: object) -> bool:
        return isinstance(alias, str) and lowlevel.certstore_bundle_find(self._raw, alias) is not None

    def __getitem__(self, alias: str) -> Entry:
        raw = lowlevel.certstore_bundle_find(self._raw, alias)
        if raw is None:
            raise failure(Status.NOT_FOUND, f"{alias!r}: no entry has this alias", "", str(alias))
        return Entry._of(raw)

    def __setitem__(self, alias: str, entry: Entry) -> None:
        if not isinstance(entry, Entry):
            raise TypeError(f"an Entry is needed, not {type(entry).__name__}")
        lowlevel.certstore_bundle_put(self._raw, (entry if entry.alias == alias else entry.replace(alias=alias))._raw)

    def __delitem__(self, alias: str) -> None:
        lowlevel.certstore_bundle_remove(self._raw, alias)

    def rename(self, alias: str, new_alias: str) -> None:
        """ExistsError if another entry has the new alias. A key is not encrypted anew."""
        lowlevel.certstore_bundle_rename(self._raw, alias, new_alias)

    def copy(self) -> Bundle:
        """Another bundle; entries are shared, so it is cheap."""
        return self._of(lowlevel.certstore_bundle_copy(self._raw))

    def export(self, format: str | None = None, **options: Any) -> bytes:
        """The bundle as bytes of a format; LossyError where that cannot hold an entry, unless allow_loss=True. options: the keywords of open()."""
        made = _options.make(**options)
        return bytes(lowlevel.certstore_bundle_export(self._still(), format, made))

    def losses(self, format: str) -> tuple[Finding, ...]:
        """What would be lost in that format. What is a fault is refused when it is written, unless the store is opened with allow_loss=True."""
        return findings(lowlevel.certstore_bundle_losses(self._raw, format))

    def diff(self, other: Bundle) -> tuple[Finding, ...]:
        """What differs from this bundle to the other, whatever their formats."""
        return findings(lowlevel.certstore_bundle_diff(self._raw, other._raw))

    def verify(self, now: datetime.datetime | None = None, days: int = 30) -> tuple[Finding, ...]:
        """Findings: expired, weak, incomplete ... now: aware. days: before expiry from which an entry is reported as expiring."""
        at = seconds_of(now) if now is not None else int(time.time())
        return findings(lowlevel.certstore_bundle_verify(self._still(), at, days))

    def _still(self) -> Any:
        """A copy that nobody changes while the interpreter's lock is let go."""
        return lowlevel.certstore_bundle_copy(self._raw)

    def identity(self, alias: str | None = None) -> Entry:
        """The private key of an alias, or the only one there is."""
        if alias is not None:
            return self[alias]
        keys = [entry for entry in self.entries() if entry.kind is Kind.KEY]
        if len(keys) != 1:
            raise failure(Status.NOT_FOUND, f"identity: the store holds {len(keys)} private keys, not one; name its alias", "", "")
        return keys[0]

    def ssl_context(
        self, *, server_side: bool = False, alias: str | None = None, identity: bool | None = None, trust: Bundle | bool | None = None
    ) -> ssl.SSLContext:
        """A TLS context from this bundle.

        identity: present the private key of `alias` (or the only one); by default a server does, and a client that names an alias. trust: True for
        this bundle's trusted certificates, or another bundle's; by default a client's are this bundle's. A server with trust demands a client
        certificate. The key goes through memory, never through a file.
        """
        present = identity if identity is not None else server_side or alias is not None
        source = trust if trust is not None else not server_side
        anchors = self.entries() if source is True else source.entries() if isinstance(source, Bundle) else None
        return _tls.context(anchors, self.identity(alias) if present else None, server_side)

    def __repr__(self) -> str:
        return f"<certstore.Bundle {self.format} of {len(self)}>"


class Store:
    """Where certificates and keys live. Made by open(). Any thread may use it; calls that read or write take turns.

    After fork, the child may go on using it. It is closed at the end of a `with`, or by close(); a call on a closed one is an ArgumentError.
    """

    __slots__ = ("_raw", "_guard", "__weakref__")

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._guard = Guard()

    def _handle(self) -> Any:
        raw = self._raw
        if raw is None:
            raise _closed("store")
        return raw

    def close(self) -> None:
        """Closing twice does nothing. A call that another thread is in ends first."""
        self._raw = None

    def __enter__(self) -> Store:
        self._handle()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def uri(self) -> str:
        """With its format, without any passphrase."""
        return str(lowlevel.certstore_uri(self._handle()))

    @property
    def format(self) -> str:
        return str(lowlevel.certstore_format(self._handle()))

    @property
    def capabilities(self) -> Capability:
        return Capability(lowlevel.certstore_store_capabilities(self._handle()))

    def exists(self) -> bool:
        return bool(lowlevel.certstore_exists(self._handle()))

    def read(self) -> Bundle:
        """The whole store; an empty bundle where it does not exist. Keys are opened only when asked for."""
        raw = self._handle()
        with self._guard:
            return Bundle._of(lowlevel.certstore_read(raw))

    def ssl_context(
        self, *, server_side: bool = False, alias: str | None = None, identity: bool | None = None, trust: Bundle | bool | None = None
    ) -> ssl.SSLContext:
        """A TLS context from what the store holds now; see Bundle.ssl_context()."""
        return self.read().ssl_context(server_side=server_side, alias=alias, identity=identity, trust=trust)

    def changed(self, bundle: Bundle) -> bool:
        """Whether the store may have changed since the bundle was read from it. Costs one stat a file."""
        return bool(lowlevel.certstore_changed(self._handle(), bundle._raw))

    def watch(self, since: Bundle | None = None, *, interval: float = 1.0, timeout: float | None = None) -> Iterator[Bundle]:
        """Yields the store's value each time it is another than `since` (by default: than now), or a commit has made another generation of it.

        So a new passphrase, which leaves the value as it was, is yielded too; a store that was opened with the old one is a PasswordError. A value
        that is read while its commit ends may come twice. Looks every `interval` seconds, which costs one stat a file, and ends after `timeout`
        seconds (None: never) or when the store is closed. A store that cannot be read is an Error, which ends it; begin again with the last bundle.
        """
        number = self.generation  # before reading: twice rather than not at all
        last = since if since is not None else self.read()
        return self._watch(last, number, interval, time.monotonic() + timeout if timeout is not None else None)

    def _watch(self, last: Bundle, number: int, interval: float, end: float | None) -> Iterator[Bundle]:
        while self._raw is not None:
            if self.changed(last):  # or may have: a file's time tells nothing within the second in which it was written
                before, earlier = last, number
                number = self.generation
                last = self.read()
                if number != earlier or before.diff(last):
                    yield last
                    continue
            left = interval if end is None else min(interval, end - time.monotonic())
            if left <= 0:
                return
            time.sleep(left)

    @property
    def generation(self) -> int:
        """The number of what it holds now; 0 while no transaction has touched it."""
        raw = self._handle()
        with self._guard:
            return int(lowlevel.certstore_generation(raw))

    def read_generation(self, number: int) -> Bundle:
        """An earlier generation."""
        raw = self._handle()
        with self._guard:
            return Bundle._of(lowlevel.certstore_generation_read(raw, number))

    def history(self) -> list[Generation]:
        """The generations, oldest first."""
        raw = self._handle()
        with self._guard:
            rows = lowlevel.certstore_history_read(raw)
        return [
            Generation(
                lowlevel.certstore_history_generation(rows, i),
                moment(lowlevel.certstore_history_time(rows, i)),
                lowlevel.certstore_history_actor(rows, i),
                lowlevel.certstore_history_note(rows, i),
                lowlevel.certstore_history_txn(rows, i),
                lowlevel.certstore_history_sha256(rows, i),
                bool(lowlevel.certstore_history_kept(rows, i)),
            )
            for i in range(lowlevel.certstore_history_count(rows))
        ]

    def generate_key(self, alias: str, algorithm: str, policy: KeyPolicy = KeyPolicy(0)) -> Entry:
        """A new key on a token, where it stays: "RSA:3072", "EC:P-256", "Ed25519", or "AES:256" for one that wraps others.

        Made at once, in no transaction. ExistsError where the alias has a key, and the policy says neither REUSE nor ROTATE.
        """
        raw = self._handle()
        with self._guard:
            return Entry._of(lowlevel.certstore_key_generate(raw, alias, algorithm, int(policy)))

    def unwrap_key(self, alias: str, wrapping: Key, wrapped: bytes, public: bytes = b"", policy: KeyPolicy = KeyPolicy(0)) -> Entry:
        """Back onto a token: what Key.wrap() gave, with the private key's Key.public(); without it, what is wrapped is an AES key."""
        raw = self._handle()
        with self._guard:
            return Entry._of(lowlevel.certstore_key_unwrap(raw, alias, wrapping._raw, wrapped, public, int(policy)))

    def recover(self) -> tuple[Finding, ...]:
        """Settles what a crash left pending on this store."""
        raw = self._handle()
        with self._guard:
            return findings(lowlevel.certstore_recover_store(raw))

    def __repr__(self) -> str:
        return f"<certstore.Store {self.uri}>" if self._raw is not None else "<certstore.Store closed>"


class Transaction:
    """ "These stores shall equal these bundles": for all of them, or for none. Made by transaction().

    A `with` commits at its end, unless commit() was called, and rolls back when an exception leaves it. A transaction belongs to the process that
    began it: after fork, the child can only let go of it.
    """

    __slots__ = ("_raw", "_stores", "_guard", "_pid", "_over")

    def __init__(self, note: str | None = None) -> None:
        self._raw: Any = None
        self._stores: dict[int, Store] = {}
        self._guard = Guard()
        self._pid = os.getpid()
        self._over = False
        self._raw = lowlevel.certstore_txn_begin()
        if note is not None:
            lowlevel.certstore_txn_set_note(self._raw, note)

    def _handle(self) -> Any:
        if self._raw is None:
            raise _closed("transaction")
        if self._pid != os.getpid():
            raise failure(Status.ARGUMENT, "transaction: it was begun in the parent process; begin another one", "", "")
        return self._raw

    def _join(self, store: Store) -> Any:
        handle = store._handle()
        self._stores[id(store)] = store
        return handle

    def replace(self, store: Store, bundle: Bundle) -> None:
        """The store shall equal the bundle, which was read from it (or the store does not exist)."""
        with self._guard:
            lowlevel.certstore_txn_replace(self._handle(), self._join(store), bundle._raw)

    def restore(self, store: Store, generation: int) -> None:
        """The store shall equal an earlier generation, byte for byte."""
        with self._guard:
            lowlevel.certstore_txn_restore(self._handle(), self._join(store), generation)

    def set_password(self, store: Store, password: Password) -> None:
        """The store shall have another passphrase; its keys are encrypted anew. A str is UTF-8."""
        with self._guard:
            lowlevel.certstore_txn_set_password(self._handle(), self._join(store), _options.secret(password))

    def set_note(self, note: str) -> None:
        """A line for the history; at most 255 bytes."""
        with self._guard:
            lowlevel.certstore_txn_set_note(self._handle(), note)

    def _run(self, step: Any) -> None:
        with contextlib.ExitStack() as held:
            held.enter_context(self._guard)
            raw = self._handle()
            for _, store in sorted(self._stores.items()):  # one order for everybody
                held.enter_context(store._guard)
            step(raw)

    def prepare(self) -> None:
        """Locks, checks, writes and syncs beside the stores; nobody sees anything yet. commit() does it where it has not been done."""
        self._run(lowlevel.certstore_txn_prepare)

    def commit(self) -> None:
        """All stores, or none. InDoubtError is the one failure after which something may have changed."""
        self._over = True
        self._run(lowlevel.certstore_txn_commit)

    def rollback(self) -> None:
        """Lets go of it; what was not committed leaves no trace. Doing so twice does nothing."""
        with self._guard:
            self._over = True
            self._raw = None
            self._stores.clear()

    @property
    def id(self) -> str:
        """32 hexadecimal digits; "" until it has its first store."""
        with self._guard:
            return str(lowlevel.certstore_txn_id(self._handle()))

    @property
    def changed(self) -> int:
        """How many stores the commit changed."""
        with self._guard:
            return int(lowlevel.certstore_txn_changed(self._handle()))

    def generation(self, store: Store) -> int:
        """The generation that the commit made of the store; 0 if it did not change it."""
        with self._guard:
            return int(lowlevel.certstore_txn_generation(self._handle(), store._handle()))

    def __enter__(self) -> Transaction:
        self._handle()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None and not self._over:
            self.commit()
        elif kind is not None:
            self.rollback()


def open(
    uri: Path,
    *,
    password: Password | None = None,
    key_password: Password | None = None,
    entry_passwords: Mapping[str, Password] | None = None,
    profile: str | None = None,
    state_dir: Path | None = None,
    actor: str | None = None,
    lock_timeout: float | None = None,
    generations: int | None = None,
    limits: Mapping[Limit, int] | None = None,
    require_integrity: bool = False,
    destroy_keys: bool = False,
    allow_loss: bool = False,
    so_pin: Password | None = None,
) -> Store:
    """Opens a store by URI ("pem:PATH", "pem:PATH?key=PATH", "pemdir:PATH", "pkcs12:PATH", "jks:PATH", "jceks:PATH", "bks:PATH") or path.

    It need not exist yet. password, key_password, entry_passwords: of the store, of its keys, of single entries; bytes, or a str as UTF-8.
    profile: whom what is written anew is for ("java8", "java17", "openssl3", "fips", "legacy"). state_dir: where generations and history live.
    actor: whom the history names. lock_timeout: seconds. generations: how many to keep. limits: ceilings, by Limit. require_integrity: a store
    without a check that was made is a NoMacError. destroy_keys: a commit may destroy keys on a token, which nobody can make again. allow_loss:
    entries that the format cannot hold at all are left out; without it they are a LossyError. so_pin: of the token's security officer, who marks
    what is trusted for "any".
    """
    options = _options.make(
        password=password,
        key_password=key_password,
        entry_passwords=entry_passwords,
        profile=profile,
        state_dir=state_dir,
        actor=actor,
        lock_timeout=lock_timeout,
        generations=generations,
        limits=limits,
        require_integrity=require_integrity,
        destroy_keys=destroy_keys,
        allow_loss=allow_loss,
        so_pin=so_pin,
    )
    return Store(lowlevel.certstore_open(os.fspath(uri), options))


def transaction(note: str | None = None) -> Transaction:
    """A new transaction; use it in a `with`. note: a line for the history."""
    return Transaction(note)


def recover(state_dir: Path | None = None) -> tuple[Finding, ...]:
    """Settles every transaction in the state directory that a crash left behind; a row for each."""
    return findings(lowlevel.certstore_recover(_options.make(state_dir=state_dir)))


def pending(state_dir: Path | None = None) -> tuple[Finding, ...]:
    """What is pending in the state directory, without touching it."""
    return findings(lowlevel.certstore_pending(_options.make(state_dir=state_dir)))


def state_dir(path: Path | None = None) -> str:
    """Where the state directory is; an absolute path, which need not exist."""
    return bytes(lowlevel.certstore_options_export_state_dir(_options.make(state_dir=path))).decode("utf-8", "surrogateescape")


def formats() -> dict[str, Capability]:
    """The formats that the library knows, with what each can hold and do."""
    known: dict[str, Capability] = {}
    while (name := lowlevel.certstore_format_at(len(known))) is not None:
        known[name] = Capability(lowlevel.certstore_capabilities(name))
    return known


def version() -> str:
    """The version of the library that is running."""
    return str(lowlevel.certstore_version())
