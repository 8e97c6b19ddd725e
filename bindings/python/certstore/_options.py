# SPDX-License-Identifier: Apache-2.0
"""How to open, read and write: keyword arguments in, the library's options out."""
from __future__ import annotations

import enum
import os
from collections.abc import Mapping
from typing import Any, Union

from . import lowlevel

Password = Union[str, bytes, bytearray, memoryview]
Path = Union[str, "os.PathLike[str]"]


class Limit(enum.IntEnum):
    """Ceilings on what is read, with their defaults in docs/guide/limits.md."""

    FILE_SIZE = 0
    ENTRIES = 1
    ALIAS_SIZE = 2
    CHAIN_LENGTH = 3
    CERT_SIZE = 4
    KDF_ITERATIONS = 5
    KDF_TOTAL = 6
    NESTING = 7


def secret(password: Password) -> bytes | bytearray | memoryview:
    """A passphrase as bytes; a str is UTF-8."""
    return password.encode("utf-8") if isinstance(password, str) else password


def milliseconds(seconds: float) -> int:
    """A time to wait as the library counts it; what does not fit is refused here, not cut."""
    value = round(seconds * 1000)
    if not 0 <= value < 2**31:
        raise ValueError("a time to wait is between 0 and 2147483 seconds")
    return value


def make(
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
) -> Any:
    """A handle of options. The keywords are those of open()."""
    options = lowlevel.certstore_options_new()
    if password is not None:
        lowlevel.certstore_options_set_password(options, secret(password))
    if so_pin is not None:
        lowlevel.certstore_options_set_so_pin(options, secret(so_pin))
    if key_password is not None:
        lowlevel.certstore_options_set_key_password(options, secret(key_password))
    for alias, own in (entry_passwords or {}).items():
        lowlevel.certstore_options_set_entry_password(options, alias, secret(own))
    if profile is not None:
        lowlevel.certstore_options_set_profile(options, profile)
    if state_dir is not None:
        lowlevel.certstore_options_set_state_dir(options, os.fspath(state_dir))
    if actor is not None:
        lowlevel.certstore_options_set_actor(options, actor)
    if lock_timeout is not None:
        lowlevel.certstore_options_set_lock_timeout(options, milliseconds(lock_timeout))
    if generations is not None:
        lowlevel.certstore_options_set_generations(options, generations)
    for limit, value in (limits or {}).items():
        lowlevel.certstore_options_set_limit(options, int(limit), value)
    if require_integrity:
        lowlevel.certstore_options_set_require_integrity(options, 1)
    if destroy_keys:
        lowlevel.certstore_options_set_destroy_keys(options, 1)
    if allow_loss:
        lowlevel.certstore_options_set_allow_loss(options, 1)
    return options
