#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What expires within some days, over any number of stores of any formats; exit status 1 when something does.

list_expiring.py DAYS STORE...      ($STORE_PASS opens those that need a passphrase)
"""
import datetime
import os
import sys

import certstore


def main(days: int, uris: list[str]) -> int:
    now = datetime.datetime.now(datetime.timezone.utc)
    limit = now + datetime.timedelta(days=days)
    found = failed = 0
    for uri in uris:
        try:
            with certstore.open(uri, password=os.environ.get("STORE_PASS")) as store:
                for entry in store.read().entries():
                    for certificate in entry.certificates:
                        end = certificate.not_after
                        if end is not None and end < limit:
                            print(f"{(end - now).days:6} days  {store.uri}  {entry.alias}  {certificate.subject}")
                            found += 1
        except certstore.Error as error:
            print(f"list_expiring: {error}", file=sys.stderr)
            failed = 1
    return 3 if failed else int(found > 0)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: list_expiring.py DAYS STORE...")
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
