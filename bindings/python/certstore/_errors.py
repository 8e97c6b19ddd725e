# SPDX-License-Identifier: Apache-2.0
"""One exception a status; each is an Error, and the built-in exception that a Python programmer would expect."""
from __future__ import annotations

import enum
from typing import Any

from . import lowlevel


class Status(enum.IntEnum):
    """What a call came to; each asks for a different action."""

    OK = 0
    ARGUMENT = 1
    MEMORY = 2
    IO = 3
    NOT_FOUND = 4
    EXISTS = 5
    PASSWORD = 6
    NO_MAC = 7
    TAMPERED = 8
    UNSUPPORTED = 9
    TRUNCATED = 10
    MALFORMED = 11
    LIMIT = 12
    CONFLICT = 13
    LOCKED = 14
    READ_ONLY = 15
    NO_SPACE = 16
    PENDING = 17
    LOSSY = 18
    MISMATCH = 19
    IN_DOUBT = 20
    UNAVAILABLE = 21
    BOUND = 22


class Error(Exception):
    """A call failed. Unless it is an InDoubtError, nothing has changed.

    status: a Status (an int where the library is newer than this package). message: one line, "NOUN: what is wrong; what to do", never a secret.
    cause: the underlying reason in its own words, or "". subject: the URI, path or alias it is about, or "".
    """

    status: int
    message: str
    cause: str
    subject: str

    def __init__(self, status: int, message: str, cause: str = "", subject: str = "") -> None:
        Exception.__init__(self, message)
        self.status = status
        self.message = message
        self.cause = cause
        self.subject = subject

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Any:
        return failure, (int(self.status), self.message, self.cause, self.subject)


class ArgumentError(Error, ValueError):
    """The call is wrong as written, or its object is closed: mend the program."""


class OutOfMemoryError(Error, MemoryError):
    """There is no memory."""


class SystemFailure(Error, OSError):
    """The system refused a read or a write; the cause says which and why."""


class NotFoundError(Error, KeyError):
    """No such store, alias or generation."""


class ExistsError(Error, FileExistsError):
    """Something of that name is there already."""


class PasswordError(Error, ValueError):
    """The passphrase is wrong, or none was given and one is needed."""


class NoMacError(Error, ValueError):
    """The store carries no integrity check, and one was demanded."""


class TamperedError(Error, ValueError):
    """The passphrase is right, and the content is not what was sealed with it."""


class UnsupportedError(Error, NotImplementedError):
    """An algorithm or a format that cannot be used here; the message names it."""


class TruncatedError(Error, ValueError):
    """The input ends too early."""


class MalformedError(Error, ValueError):
    """The input is not what its format demands."""


class LimitError(Error, ValueError):
    """Over a documented ceiling; see Limit."""


class ConflictError(Error):
    """Somebody else changed the store since it was read: read it again."""


class LockedError(Error, BlockingIOError):
    """Another transaction holds the store: try again later."""


class ReadOnlyError(Error, PermissionError):
    """This place or format cannot be written."""


class NoSpaceError(Error, OSError):
    """The disk or the quota is full."""


class PendingError(Error):
    """A transaction that a crash cut short holds the store and cannot be settled from here."""


class LossyError(Error, ValueError):
    """The target format cannot hold everything; see Bundle.losses()."""


class MismatchError(Error, ValueError):
    """The certificate does not carry the private key's public key."""


class InDoubtError(Error):
    """The commit point may have passed; recover() decides."""


class UnavailableError(Error, OSError):
    """No such token now: bring it back and try again."""


class BoundError(Error, PermissionError):
    """The private key does not leave its token: use it there."""


_CLASSES: dict[int, type[Error]] = {
    Status.ARGUMENT: ArgumentError,
    Status.MEMORY: OutOfMemoryError,
    Status.IO: SystemFailure,
    Status.NOT_FOUND: NotFoundError,
    Status.EXISTS: ExistsError,
    Status.PASSWORD: PasswordError,
    Status.NO_MAC: NoMacError,
    Status.TAMPERED: TamperedError,
    Status.UNSUPPORTED: UnsupportedError,
    Status.TRUNCATED: TruncatedError,
    Status.MALFORMED: MalformedError,
    Status.LIMIT: LimitError,
    Status.CONFLICT: ConflictError,
    Status.LOCKED: LockedError,
    Status.READ_ONLY: ReadOnlyError,
    Status.NO_SPACE: NoSpaceError,
    Status.PENDING: PendingError,
    Status.LOSSY: LossyError,
    Status.MISMATCH: MismatchError,
    Status.IN_DOUBT: InDoubtError,
    Status.UNAVAILABLE: UnavailableError,
    Status.BOUND: BoundError,
}


def failure(status: int, message: str, cause: str, subject: str) -> Error:
    """The exception for a status; the raw layer raises what this returns."""
    known = _CLASSES.get(status)
    return known(Status(status), message, cause, subject) if known is not None else Error(status, message, cause, subject)


lowlevel.set_failure(failure)
