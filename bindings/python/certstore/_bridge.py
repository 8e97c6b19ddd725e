# SPDX-License-Identifier: Apache-2.0
"""To and from the cryptography package; imported only where it is asked for."""
from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def pkcs8(key: Any) -> bytes:
    """PKCS#8 DER, not encrypted."""
    return bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def sign(key: Any, data: bytes, hash: str, pss: bool) -> bytes:
    if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
        return key.sign(data)
    if hash not in _HASHES:
        raise ValueError(f"hash: one of {', '.join(_HASHES)} is needed")
    digest = _HASHES[hash]()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(digest))
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(data, digest)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size) if pss else padding.PKCS1v15(), digest)
    raise TypeError(f"{type(key).__name__} does not sign")
