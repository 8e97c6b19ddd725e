# SPDX-License-Identifier: Apache-2.0
"""To and from the cryptography package; imported only where it is asked for."""
from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def pkcs8(key: Any) -> bytes:
    """PKCS#8 DER, not encrypted."""
    return bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
