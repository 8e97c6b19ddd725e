# SPDX-License-Identifier: Apache-2.0
"""What a store holds: entries, certificates, keys, and what reports say of them. None of these ever changes, so any thread may use them."""
from __future__ import annotations

import datetime
import enum
import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from . import lowlevel

if TYPE_CHECKING:
    from cryptography import x509

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_NEVER = (-(2**63), 2**63 - 1)  # how the library writes a time that it does not know

CertificateLike = Union["Certificate", bytes, bytearray, memoryview, "x509.Certificate"]


class Kind(enum.IntEnum):
    """What an entry is."""

    TRUSTED = 0
    KEY = 1
    SECRET = 2
    CRL = 3
    OPAQUE = 4


class Integrity(enum.IntEnum):
    """What is known of a store's integrity after reading it."""

    VERIFIED = 0
    ABSENT = 1
    UNCHECKED = 2


class Severity(enum.IntEnum):
    """How much a finding matters."""

    INFO = 0
    WARNING = 1
    FAULT = 2


class Capability(enum.IntFlag):
    """What a format can hold and do."""

    READ = 1
    WRITE = 2
    TRUSTED = 4
    KEYS = 8
    SECRETS = 16
    CRLS = 32
    ALIASES = 64
    TRUST_PURPOSES = 128
    DATES = 256
    KEY_PASSWORDS = 512
    INTEGRITY = 1024
    GENERATE = 2048
    WRAP = 4096
    MARK_TRUSTED = 8192


class KeyPolicy(enum.IntFlag):
    """What a key that is made on a token, or brought back to it, may do. Without a bit it stays there, and its alias must be free."""

    EXTRACTABLE = 1
    READABLE = 2
    ALWAYS_AUTHENTICATE = 4
    REUSE = 8
    ROTATE = 16


class Finding(NamedTuple):
    """A row of a report. code: a stable word, such as "expired". subject: the alias, path or transaction, or "". message: one line for people."""

    code: str
    severity: Severity
    subject: str
    message: str


def findings(report: Any) -> tuple[Finding, ...]:
    """A report's rows, copied out."""
    return tuple(
        Finding(
            lowlevel.certstore_report_code(report, i),
            Severity(lowlevel.certstore_report_severity(report, i)),
            lowlevel.certstore_report_subject(report, i),
            lowlevel.certstore_report_message(report, i),
        )
        for i in range(lowlevel.certstore_report_count(report))
    )


def moment(seconds: int, milliseconds: int = 0) -> datetime.datetime | None:
    """An aware time in UTC; None where the library knows none, or where Python cannot write it."""
    if seconds in _NEVER:
        return None
    try:
        return _EPOCH + datetime.timedelta(seconds=seconds, milliseconds=milliseconds)
    except OverflowError:
        return None


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def seconds_of(when: datetime.datetime) -> int:
    """Whole seconds since 1970; a time without a zone is refused, since nobody knows which it means."""
    if when.tzinfo is None:
        raise ValueError("a datetime with a time zone is needed, such as datetime.now(timezone.utc)")
    return (when - _EPOCH) // datetime.timedelta(seconds=1)


class Certificate:
    """An X.509 certificate, asked straight from its DER. Equal when the DER is."""

    __slots__ = ("_raw",)
    _raw: Any

    def __init__(self, data: CertificateLike) -> None:
        """From DER or PEM, or from a certificate of the cryptography package."""
        if isinstance(data, Certificate):
            self._raw = data._raw
            return
        entry = lowlevel.certstore_entry_new_trusted("", _der(data))
        self._raw = lowlevel.certstore_entry_cert(entry, 0)

    @classmethod
    def _of(cls, raw: Any) -> Certificate:
        certificate = cls.__new__(cls)
        certificate._raw = raw
        return certificate

    @property
    def der(self) -> bytes:
        return bytes(lowlevel.certstore_cert_data(self._raw))

    @property
    def pem(self) -> str:
        """PEM, with a final newline."""
        return text(lowlevel.certstore_cert_export_pem(self._raw))

    @property
    def subject(self) -> str:
        """RFC 4514 text, such as "CN=a.example,O=Example"."""
        return text(lowlevel.certstore_cert_export_subject(self._raw))

    @property
    def issuer(self) -> str:
        """RFC 4514 text."""
        return text(lowlevel.certstore_cert_export_issuer(self._raw))

    @property
    def serial(self) -> str:
        """Lower-case hexadecimal."""
        return text(lowlevel.certstore_cert_export_serial(self._raw))

    @property
    def not_before(self) -> datetime.datetime | None:
        """Aware, in UTC; None where it cannot be read."""
        return moment(lowlevel.certstore_cert_not_before(self._raw))

    @property
    def not_after(self) -> datetime.datetime | None:
        """Aware, in UTC; None where it cannot be read."""
        return moment(lowlevel.certstore_cert_not_after(self._raw))

    @property
    def sha256(self) -> str:
        """64 lower-case hexadecimal digits: of the DER."""
        return text(lowlevel.certstore_cert_export_sha256(self._raw))

    @property
    def spki_sha256(self) -> str:
        """64 lower-case hexadecimal digits: of the public key's SubjectPublicKeyInfo."""
        return text(lowlevel.certstore_cert_export_spki_sha256(self._raw))

    @property
    def key_algorithm(self) -> str:
        """ "RSA", "EC", "ED25519" ..., or a dotted OID."""
        return text(lowlevel.certstore_cert_export_key_algorithm(self._raw))

    @property
    def key_bits(self) -> int:
        """Bits of the public key; 0 when not known."""
        return int(lowlevel.certstore_cert_key_bits(self._raw))

    @property
    def signature_algorithm(self) -> str:
        return text(lowlevel.certstore_cert_export_signature_algorithm(self._raw))

    @property
    def sans(self) -> tuple[str, ...]:
        """Subject alternative names: "DNS:a.example", "IP:192.0.2.1", "email:x@y", "URI:..."."""
        return tuple(text(lowlevel.certstore_cert_export_sans(self._raw)).splitlines())

    @property
    def is_ca(self) -> bool:
        return bool(lowlevel.certstore_cert_is_ca(self._raw))

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return bool(lowlevel.certstore_cert_is_self_issued(self._raw))

    def to_cryptography(self) -> x509.Certificate:
        """The certificate as the cryptography package has it (which must be installed)."""
        from cryptography import x509

        return x509.load_der_x509_certificate(self.der)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Certificate):
            return NotImplemented
        return self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __len__(self) -> int:
        """Bytes of the DER."""
        return int(lowlevel.certstore_cert_size(self._raw))

    def __repr__(self) -> str:
        return f"<certstore.Certificate {self.subject!r} until {self.not_after}>"


def _der(data: CertificateLike) -> bytes | bytearray | memoryview:
    if isinstance(data, Certificate):
        return data.der
    if isinstance(data, (bytes, bytearray, memoryview)):
        return data
    if hasattr(data, "public_bytes"):
        from cryptography.hazmat.primitives.serialization import Encoding

        return data.public_bytes(Encoding.DER)
    raise TypeError(f"a certificate in DER or PEM is needed, not {type(data).__name__}")


_HASHES = ("sha224", "sha256", "sha384", "sha512")  # what a signature is still made over


class Key:
    """The private or secret key of an entry, opened when it is asked (with the passphrases that the bundle was read with)."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def algorithm(self) -> str:
        """ "RSA", "EC", "ED25519", "AES" ..."""
        return text(lowlevel.certstore_entry_export_key_algorithm(self._raw))

    @property
    def bits(self) -> int:
        return int(lowlevel.certstore_entry_key_bits(self._raw))

    @property
    def encrypted(self) -> bool:
        """Whether it is stored encrypted."""
        return bool(lowlevel.certstore_entry_encrypted(self._raw))

    def export(self) -> bytes:
        """A private key as PKCS#8 DER, not encrypted; a secret key's raw bytes. Python cannot wipe them."""
        return bytes(lowlevel.certstore_entry_export_key(self._raw))

    def csr(self, subject: str, sans: Sequence[str] = ()) -> bytes:
        """A PKCS#10 request in DER. subject: RFC 4514 text. sans: DNS names and addresses."""
        if isinstance(sans, str):
            raise TypeError("sans: a sequence of names is needed, not one str")
        return bytes(lowlevel.certstore_entry_export_csr(self._raw, subject, ",".join(sans)))

    def check(self) -> None:
        """MismatchError if the entry's first certificate is for another key."""
        lowlevel.certstore_entry_check_key(self._raw)

    def to_cryptography(self) -> Any:
        """The private key as the cryptography package has it (which must be installed)."""
        from cryptography.hazmat.primitives.serialization import load_der_private_key

        return load_der_private_key(self.export(), None)

    @property
    def bound(self) -> bool:
        """Whether it stays on its token: export() then raises BoundError."""
        return bool(lowlevel.certstore_entry_bound(self._raw))

    def public(self) -> bytes:
        """A private key's public half: SubjectPublicKeyInfo in DER."""
        return bytes(lowlevel.certstore_entry_export_public_key(self._raw))

    def sign(self, data: bytes, hash: str = "sha256", *, pss: bool = False) -> bytes:
        """A signature over data, by a key in a file or on a token.

        RSA: PKCS#1 v1.5, or PSS with a salt as long as the digest. EC: ECDSA, in DER. Ed25519 and Ed448 take no hash and ignore it.
        """
        if hash not in _HASHES:
            raise ValueError(f"hash: one of {', '.join(_HASHES)} is needed")
        algorithm = self.algorithm
        if algorithm in ("ED25519", "ED448"):
            return bytes(lowlevel.certstore_key_sign(self._raw, "", "", data))
        padding = ("pss" if pss else "pkcs1") if algorithm.startswith("RSA") else ""
        return bytes(lowlevel.certstore_key_sign(self._raw, hash.upper(), padding, hashlib.new(hash, data).digest()))

    def decrypt(self, data: bytes, *, hash: str = "sha256", oaep: bool = True) -> bytes:
        """What was encrypted for an RSA key: OAEP with that hash, or PKCS#1 v1.5."""
        return bytes(lowlevel.certstore_key_decrypt(self._raw, "oaep" if oaep else "pkcs1", hash.upper() if oaep else "", data))

    def wrap(self, wrapping: Key) -> bytes:
        """A key on a token, wrapped by a secret key of the same token (RFC 5649). BoundError where it is not extractable."""
        return bytes(lowlevel.certstore_key_export_wrapped(self._raw, wrapping._raw))

    def __repr__(self) -> str:
        return "<certstore.Key>"  # asking more could open it


class Entry:
    """One thing a store holds. It never changes: replace() makes another."""

    __slots__ = ("_raw",)
    _raw: Any

    def __init__(self) -> None:
        raise TypeError("use Entry.trusted(), Entry.private_key(), Entry.secret() or Entry.crl()")

    @classmethod
    def _of(cls, raw: Any) -> Entry:
        entry = cls.__new__(cls)
        entry._raw = raw
        return entry

    @classmethod
    def trusted(cls, certificate: CertificateLike, *, alias: str = "", trust: Iterable[str] = (), reject: Iterable[str] = ()) -> Entry:
        """A trusted certificate. trust, reject: purposes, such as "serverAuth", or dotted OIDs. The alias may be left to bundle[alias] = entry."""
        raw = lowlevel.certstore_entry_new_trusted(alias, _der(certificate))
        for purpose in trust:
            lowlevel.certstore_entry_add_trust(raw, purpose)
        for purpose in reject:
            lowlevel.certstore_entry_add_reject(raw, purpose)
        return cls._of(raw)

    @classmethod
    def private_key(cls, key: Any, certificates: Iterable[CertificateLike] = (), *, alias: str = "") -> Entry:
        """A private key with its chain, leaf first. key: PKCS#8 DER, not encrypted, or a private key of the cryptography package."""
        if hasattr(key, "private_bytes"):
            from . import _bridge

            key = _bridge.pkcs8(key)
        raw = lowlevel.certstore_entry_new_key(alias, key)
        for certificate in certificates:
            lowlevel.certstore_entry_add_cert(raw, _der(certificate))
        return cls._of(raw)

    @classmethod
    def secret(cls, algorithm: str, data: bytes | bytearray | memoryview, *, alias: str = "") -> Entry:
        """A secret key: its raw bytes and the name Java gives the algorithm ("AES", "HmacSHA256")."""
        return cls._of(lowlevel.certstore_entry_new_secret(alias, algorithm, data))

    @classmethod
    def crl(cls, data: bytes | bytearray | memoryview, *, alias: str = "") -> Entry:
        """A revocation list from DER or PEM."""
        return cls._of(lowlevel.certstore_entry_new_crl(alias, data))

    def replace(
        self, *, alias: str | None = None, certificates: Iterable[CertificateLike] | None = None, created: datetime.datetime | None = None
    ) -> Entry:
        """A copy with another alias, another chain (leaf first) or another date."""
        raw = lowlevel.certstore_entry_copy(self._raw)
        if alias is not None:
            lowlevel.certstore_entry_set_alias(raw, alias)
        if certificates is not None:
            lowlevel.certstore_entry_clear_certs(raw)
            for certificate in certificates:
                lowlevel.certstore_entry_add_cert(raw, _der(certificate))
        if created is not None:
            lowlevel.certstore_entry_set_created(raw, seconds_of(created) * 1000 + created.microsecond // 1000)
        return self._of(raw)

    @property
    def alias(self) -> str:
        return str(lowlevel.certstore_entry_alias(self._raw))

    @property
    def kind(self) -> Kind:
        return Kind(lowlevel.certstore_entry_kind(self._raw))

    @property
    def created(self) -> datetime.datetime | None:
        """Aware, in UTC, to the millisecond; None where the store says nothing."""
        milliseconds = lowlevel.certstore_entry_created(self._raw)
        return None if milliseconds in _NEVER else moment(milliseconds // 1000, milliseconds % 1000)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Leaf first."""
        return tuple(Certificate._of(lowlevel.certstore_entry_cert(self._raw, i)) for i in range(lowlevel.certstore_entry_cert_count(self._raw)))

    @property
    def certificate(self) -> Certificate | None:
        """The first certificate, where there is one."""
        raw = lowlevel.certstore_entry_cert(self._raw, 0)
        return Certificate._of(raw) if raw is not None else None

    @property
    def key(self) -> Key | None:
        """The private or secret key, where the entry is one."""
        return Key(self._raw) if self.kind in (Kind.KEY, Kind.SECRET) else None

    @property
    def trust(self) -> tuple[str, ...]:
        """Purposes the certificate is trusted for; none means that the format says nothing."""
        return tuple(lowlevel.certstore_entry_trust(self._raw, i) for i in range(lowlevel.certstore_entry_trust_count(self._raw)))

    @property
    def reject(self) -> tuple[str, ...]:
        """Purposes the certificate is distrusted for."""
        return tuple(lowlevel.certstore_entry_reject(self._raw, i) for i in range(lowlevel.certstore_entry_reject_count(self._raw)))

    @property
    def type(self) -> str:
        """What an opaque entry is, in its format's own terms; "" for other kinds."""
        return str(lowlevel.certstore_entry_type(self._raw))

    @property
    def content(self) -> bytes:
        """The DER of a revocation list, or what an opaque entry holds."""
        return bytes(lowlevel.certstore_entry_export_content(self._raw))

    def __repr__(self) -> str:
        return f"<certstore.Entry {self.alias!r} {self.kind.name}>"
