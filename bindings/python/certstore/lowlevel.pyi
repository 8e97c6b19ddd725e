# SPDX-License-Identifier: Apache-2.0
# The raw layer, made from certstore.h: private, and the same names as in C.
from typing import Any

def __getattr__(name: str) -> Any: ...
