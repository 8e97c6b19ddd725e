# SPDX-License-Identifier: Apache-2.0
"""The lock of an object that one thread has alone. A child of fork gets a new one: the thread that held the old is not there to let it go."""
from __future__ import annotations

import os
import threading


class Guard:
    __slots__ = ("_lock", "_pid")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def __enter__(self) -> None:
        if self._pid != os.getpid():
            self._lock = threading.Lock()
            self._pid = os.getpid()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
