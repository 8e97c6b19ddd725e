# SPDX-License-Identifier: Apache-2.0
"""What the tests share: certificates that openssl made, a folder that goes away, and a runner that prints TAP."""
import functools
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import certstore


def openssl(*args: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *args], input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


class Identity:
    """A key and its certificate, made once for all tests."""

    def __init__(self, name: str, issuer: "Identity | None" = None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = functools.partial(os.path.join, folder)
            with open(path("cnf"), "w") as file:
                kind = "CA:TRUE" if issuer is None else "CA:FALSE"
                file.write(f"[req]\ndistinguished_name=dn\n[dn]\n[x]\nbasicConstraints=critical,{kind}\nsubjectAltName=DNS:localhost\n")
            new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", path("key"), "-subj", f"/CN={name}"]
            if issuer is None:
                openssl(*new, "-x509", "-days", "30", "-config", path("cnf"), "-extensions", "x", "-out", path("crt"))
            else:
                openssl(*new, "-config", path("cnf"), "-out", path("csr"))
                for file, data in (("ca.crt", issuer.pem), ("ca.key", issuer.key_pem)):
                    with open(path(file), "wb") as out:
                        out.write(data)
                sign = ["x509", "-req", "-in", path("csr"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "20"]
                openssl(*sign, "-extfile", path("cnf"), "-extensions", "x", "-out", path("crt"))
            self.der = openssl("x509", "-in", path("crt"), "-outform", "DER")
            self.pem = openssl("x509", "-in", path("crt"))
            self.key_pem = openssl("pkey", "-in", path("key"))
            self.pkcs8 = openssl("pkcs8", "-topk8", "-nocrypt", "-in", path("key"), "-outform", "DER")
        self.name = name
        self.issuer = issuer

    def trusted(self) -> certstore.Entry:
        return certstore.Entry.trusted(self.der, alias=self.name)

    def entry(self) -> certstore.Entry:
        chain = [self.der] if self.issuer is None else [self.der, self.issuer.der]
        return certstore.Entry.private_key(self.pkcs8, chain, alias=self.name)


@functools.lru_cache(maxsize=None)
def root() -> Identity:
    return Identity("root")


@functools.lru_cache(maxsize=None)
def leaf(name: str) -> Identity:
    return Identity(name, root())


class Case(unittest.TestCase):
    """A test in a folder of its own, with a state directory of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.environ["CERTSTORE_STATE_DIR"] = self.path("state")

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def content(self) -> "dict[str, bytes]":
        """Every file of the folder but the state, by name."""
        found = {}
        for folder, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if name != "state"]
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    found[os.path.relpath(os.path.join(folder, name), self.folder)] = file.read()
        return found


class Tokens:
    """Tokens of SoftHSM, all made before its module is loaded: it looks for them once."""

    pin = b"changeit"
    most = 40

    def __init__(self) -> None:
        found = [p for pattern in ("/usr/lib/softhsm", "/usr/lib/*/softhsm", "/usr/lib64/pkcs11") for p in glob.glob(pattern + "/libsofthsm2.so")]
        self.module = found[0] if found and shutil.which("softhsm2-util") else ""
        self.taken = 0
        if not self.module:
            return
        self.folder = tempfile.TemporaryDirectory()
        conf = os.path.join(self.folder.name, "softhsm2.conf")
        os.mkdir(os.path.join(self.folder.name, "tokens"))
        with open(conf, "w") as file:
            file.write(f"directories.tokendir = {self.folder.name}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = conf
        os.environ["CERTSTORE_TOKEN_DIR"] = os.path.join(self.folder.name, "locks")
        for number in range(self.most):
            words = ["--init-token", "--free", "--label", f"t{number}", "--so-pin", "87654321", "--pin", self.pin.decode()]
            subprocess.run(["softhsm2-util", *words], stdout=subprocess.DEVNULL, check=True)

    def take(self) -> str:
        """The URI of a token that no other test has."""
        if not self.module:
            raise unittest.SkipTest("no SoftHSM (Debian: softhsm2)")
        self.taken += 1
        return f"pkcs11:token=t{self.taken - 1}?module-path={self.module}"


@functools.lru_cache(maxsize=None)
def tokens() -> Tokens:
    return Tokens()


class Tap(unittest.TestResult):
    def _say(self, test: unittest.TestCase, ok: bool, more: str = "") -> None:
        row, _, name = test.id().rpartition(".")
        name = f"{row.split('.')[-1].lower()}: {name.removeprefix('test_')}"
        print(f"{'ok' if ok else 'not ok'} - {name}{more}", flush=True)

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._say(test, True)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self._say(test, True, f" # SKIP {reason}")

    def addFailure(self, test, err) -> None:  # type: ignore[no-untyped-def]
        super().addFailure(test, err)
        self._say(test, False)
        print("\n".join("# " + line for line in self.failures[-1][1].splitlines()[-12:]))

    def addError(self, test, err) -> None:  # type: ignore[no-untyped-def]
        super().addError(test, err)
        self._say(test, False)
        print("\n".join("# " + line for line in self.errors[-1][1].splitlines()[-12:]))

    def addSubTest(self, test, subtest, err) -> None:  # type: ignore[no-untyped-def]
        if err is not None:
            self.addError(subtest, err)


def main(module: str) -> None:
    result = Tap()
    unittest.defaultTestLoader.loadTestsFromName(module).run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
