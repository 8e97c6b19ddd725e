# SPDX-License-Identifier: Apache-2.0
"""Keys that are made on a SoftHSM token, wrapped and brought back; its officer and its PIN."""
import os
import shutil
import subprocess
import unittest

import certstore
import support

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
MODULE = next((path for path in MODULES if os.access(path, os.R_OK)), None)
DIGEST = b"what is to be signed"


@unittest.skipIf(MODULE is None or shutil.which("softhsm2-util") is None, "SoftHSM is not installed")
class Token(support.Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.path("tokens"))
        with open(self.path("softhsm2.conf"), "w") as file:
            file.write(f"directories.tokendir = {self.path('tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = self.path("softhsm2.conf")
        os.environ["CERTSTORE_TOKEN_DIR"] = self.path("locks")
        make = ["softhsm2-util", "--init-token", "--free", "--label", "box", "--so-pin", "567890", "--pin", "1234"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)

    def open(self, pin: str = "1234", **more) -> certstore.Store:
        return certstore.open(f"pkcs11:token=box?module-path={MODULE}", password=pin, **more)

    def test_a_key_is_made_there_signs_and_stays(self):
        with self.open() as store:
            self.assertIn(certstore.Capability.GENERATE, store.capabilities)
            for algorithm in ("RSA:2048", "EC:P-256", "Ed25519"):
                entry = store.generate_key(algorithm, algorithm)
                self.assertEqual((entry.alias, entry.kind, entry.key.bound), (algorithm, certstore.Kind.KEY, True))
                self.assertTrue(entry.key.sign(DIGEST))
                with self.assertRaises(certstore.BoundError):
                    entry.key.export()
            self.assertEqual(set(store.read()), {"RSA:2048", "EC:P-256", "Ed25519"})

    def test_an_alias_with_a_key_is_refused_reused_or_rotated(self):
        policy = certstore.KeyPolicy
        with self.open() as store:
            first = store.generate_key("web", "EC:P-256")
            with self.assertRaises(certstore.ExistsError):
                store.generate_key("web", "EC:P-256")
            self.assertEqual(store.generate_key("web", "RSA:2048", policy.REUSE).key.public(), first.key.public())
            self.assertNotEqual(store.generate_key("web", "EC:P-256", policy.ROTATE).key.public(), first.key.public())
            with self.assertRaises(ValueError):
                store.generate_key("other", "DSA:1024")
        with certstore.open("pem:" + self.path("a.pem")) as file, self.assertRaises(NotImplementedError):
            file.generate_key("web", "EC:P-256")

    def test_a_key_that_left_wrapped_comes_back(self):
        with self.open() as store:
            backup = store.generate_key("backup", "AES:256").key
            key = store.generate_key("web", "EC:P-256", certstore.KeyPolicy.EXTRACTABLE).key
            wrapped = key.wrap(backup)
            back = store.unwrap_key("again", backup, wrapped, key.public())
            self.assertEqual(back.key.public(), key.public())
            self.assertTrue(back.key.sign(DIGEST))
            with self.assertRaises(certstore.BoundError):
                back.key.wrap(backup)
            other = store.generate_key("other", "EC:P-256").key.public()
            with self.assertRaises(certstore.MismatchError):
                store.unwrap_key("wrong", backup, wrapped, other)
            self.assertNotIn("wrong", store.read())

    def test_the_officer_marks_what_is_trusted_for_any(self):
        with self.open(so_pin="567890") as store, certstore.transaction() as txn:
            bundle = store.read()
            bundle["ca"] = certstore.Entry.trusted(support.root().der, trust=["any"])
            txn.replace(store, bundle)
        with self.open() as store:
            self.assertEqual(tuple(store.read()["ca"].trust), ("any",))

    def test_a_pin_is_changed_alone(self):
        with self.open() as store, certstore.open("jks:" + self.path("a.jks"), password=b"changeit") as file:
            with self.assertRaises(certstore.ArgumentError), certstore.transaction() as txn:
                txn.set_password(store, "another")
                txn.replace(file, file.read())
            with certstore.transaction() as txn:
                txn.set_password(store, "another")
            store.generate_key("web", "EC:P-256")
            del txn
        with self.open("another") as store:
            self.assertIn("web", store.read())
