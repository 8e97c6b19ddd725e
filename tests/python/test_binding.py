# SPDX-License-Identifier: Apache-2.0
"""What Python adds: exceptions, mappings, misuse without a crash, threads, fork, TLS, and memory that comes back."""
import contextlib
import ctypes
import datetime
import gc
import inspect
import os
import pathlib
import pickle
import socket
import ssl
import sys
import threading
import unittest

import certstore
import support
from certstore import _lowlevel, lowlevel

UTC = datetime.timezone.utc


def handles(folder):
    """One handle of each type, and what else a careless caller might pass."""
    bundle = lowlevel.certstore_bundle_new("jks")
    entry = lowlevel.certstore_entry_new_trusted("a", support.root().der)
    store = lowlevel.certstore_open(f"pem:{folder}/x.pem", None)
    own = [bundle, entry, store, lowlevel.certstore_txn_begin(), lowlevel.certstore_options_new(), lowlevel.certstore_entry_cert(entry, 0)]
    return [*own, lowlevel.certstore_bundle_notes(bundle), None, "", "a\0b", "\udc80", b"", b"\0", bytearray(b"x"), -1, 2**70, 1.5, object(), []]


class Misuse(support.Case):
    def test_no_raw_function_crashes_whatever_it_is_given(self):
        given = handles(self.folder)
        names = [name for name in dir(_lowlevel) if name.startswith("certstore_") and callable(getattr(_lowlevel, name))]
        self.assertGreater(len(names), 90)
        for name in names:
            function = getattr(_lowlevel, name)
            count = len(inspect.signature(getattr(lowlevel, name)).parameters)
            # Every value in every place, beside values of each kind in the others.
            for place in range(count):
                for value in given:
                    for other in given:
                        arguments = [other] * count
                        arguments[place] = value
                        with contextlib.suppress(certstore.Error, TypeError, ValueError, OverflowError):
                            function(*arguments)
            with self.assertRaises(TypeError):
                function(*[None] * (count + 1))

    def test_none_for_a_handle_is_a_type_error(self):
        for name in ("certstore_read", "certstore_txn_commit", "certstore_bundle_count", "certstore_entry_alias", "certstore_cert_data"):
            with self.assertRaises(TypeError):
                getattr(lowlevel, name)(None)

    def test_a_closed_store_raises_and_closing_twice_does_nothing(self):
        store = certstore.open("pem:" + self.path("x.pem"))
        store.close()
        store.close()
        for call in (store.read, store.history, store.recover, store.exists, store.__enter__, lambda: store.uri, lambda: store.generation):
            with self.assertRaises(certstore.ArgumentError):
                call()
        self.assertIn("closed", repr(store))

    def test_a_transaction_keeps_a_store_that_was_closed(self):
        store = certstore.open("pem:" + self.path("x.pem"))
        bundle = store.read()
        bundle["root"] = support.root().trusted()
        txn = certstore.transaction()
        txn.replace(store, bundle)
        store.close()
        del store
        gc.collect()
        txn.commit()
        self.assertEqual(txn.changed, 1)
        txn.rollback()
        txn.rollback()
        with self.assertRaises(ValueError):
            txn.commit()

    def test_a_certificate_outlives_its_entry_its_bundle_and_its_store(self):
        with certstore.open("pem:" + self.path("x.pem")) as store:
            bundle = store.read()
            bundle["root"] = support.root().trusted()
            certificate = bundle["root"].certificate
            del bundle["root"]
        del bundle, store
        gc.collect()
        self.assertEqual(certificate.der, support.root().der)

    def test_a_nul_in_a_uri_is_a_value_error_and_in_an_alias_a_nul(self):
        with self.assertRaises(ValueError):
            certstore.open("pem:/tmp/a\0b")
        bundle = certstore.Bundle("jks")
        bundle["a\0b"] = support.root().trusted()
        self.assertEqual(list(bundle), ["a\0b"])
        self.assertEqual(certstore.Bundle.parse(bundle.export(password="changeit"), password="changeit")["a\0b"].alias, "a\0b")

    def test_wrong_types_are_type_errors(self):
        bundle = certstore.Bundle()
        calls = (
            lambda: certstore.open(3),
            lambda: certstore.open("pem:x", password=3),
            lambda: certstore.Entry.trusted("text"),
            lambda: certstore.Bundle.parse("text"),
            lambda: bundle.__setitem__("a", "b"),
            lambda: bundle[3],
            lambda: certstore.Entry(),
        )
        for call in calls:
            with self.assertRaises(TypeError):
                call()


class Errors(support.Case):
    def test_every_status_has_its_exception(self):
        for name in dir(lowlevel):
            if name.startswith("CERTSTORE_E_"):
                status = certstore.Status[name[len("CERTSTORE_E_") :]]
                self.assertEqual(status, getattr(lowlevel, name))
                error = certstore._errors.failure(int(status), "m", "c", "s")
                self.assertNotEqual(type(error), certstore.Error)
                self.assertEqual((error.status, error.message, error.cause, error.subject, str(error)), (status, "m", "c", "s", "m"))
        for enum, prefix in ((certstore.Kind, ""), (certstore.Limit, "LIMIT_"), (certstore.Integrity, "INTEGRITY_"), (certstore.Capability, "CAN_"), (certstore.KeyPolicy, "KEY_")):
            for member in enum:
                self.assertEqual(member, getattr(lowlevel, f"CERTSTORE_{prefix}{member.name}"))

    def test_a_status_of_a_newer_library_is_an_error_all_the_same(self):
        self.assertEqual(certstore._errors.failure(999, "m", "", "").status, 999)

    def test_an_exception_is_also_the_built_in_one(self):
        with self.assertRaises(KeyError) as missing:
            certstore.Bundle()["nobody"]
        self.assertIsInstance(missing.exception, certstore.Error)
        with self.assertRaises(ValueError):
            certstore.open("pem:")
        with self.assertRaises(OSError) as refused, certstore.open("pem:" + self.path("x.pem")) as store:
            bundle = store.read()
            bundle["root"] = support.root().trusted()
            held = certstore.transaction()
            held.replace(store, bundle)
            held.prepare()
            with certstore.open("pem:" + self.path("x.pem"), lock_timeout=0) as other, certstore.transaction() as txn:
                txn.replace(other, bundle)
        self.assertEqual(type(refused.exception), certstore.LockedError)
        self.assertIn("x.pem", refused.exception.subject)

    def test_an_exception_survives_pickle(self):
        with self.assertRaises(certstore.Error) as caught:
            certstore.Bundle()["nobody"]
        copy = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((type(copy), copy.status, str(copy)), (certstore.NotFoundError, certstore.Status.NOT_FOUND, str(caught.exception)))


class Values(support.Case):
    def test_a_bundle_is_a_mutable_mapping(self):
        bundle = certstore.Bundle("jks")
        bundle.update({"one": support.leaf("one").entry(), "two": support.root().trusted()})
        self.assertEqual((len(bundle), list(bundle), "ONE" in bundle, 3 in bundle), (2, ["one", "two"], True, False))
        self.assertEqual([entry.kind.name for entry in bundle.values()], ["KEY", "TRUSTED"])
        other = bundle.copy()
        self.assertEqual(other.pop("one").alias, "one")
        self.assertIsNone(other.get("one"))
        self.assertEqual(len(bundle), 2)
        self.assertEqual([finding.subject for finding in bundle.diff(other)], ["one"])
        bundle.clear()
        self.assertEqual(len(bundle), 0)

    def test_a_certificate_tells_what_openssl_tells(self):
        certificate = certstore.Certificate(support.leaf("one").pem)
        self.assertEqual(certificate, certstore.Certificate(support.leaf("one").der))
        said = support.openssl("x509", "-noout", "-serial", "-enddate", "-fingerprint", "-sha256", "-dateopt", "iso_8601", given=support.leaf("one").pem)
        lines = dict(line.split("=", 1) for line in said.decode().splitlines())
        self.assertEqual(certificate.serial.upper().lstrip("0"), lines["serial"].lstrip("0"))
        self.assertEqual(certificate.not_after.strftime("%Y-%m-%d %H:%M:%SZ"), lines["notAfter"])
        self.assertEqual(certificate.sha256.upper(), lines["sha256 Fingerprint"].replace(":", ""))
        self.assertEqual((certificate.subject, certificate.issuer, certificate.sans), ("CN=one", "CN=root", ("DNS:localhost",)))
        self.assertEqual((certificate.key_algorithm, certificate.key_bits, certificate.is_ca), ("EC", 256, False))
        self.assertEqual(len({certificate, certstore.Certificate(support.leaf("one").der)}), 1)
        self.assertEqual(certificate.not_after.tzinfo, UTC)

    def test_an_entry_never_changes_and_replace_makes_another(self):
        entry = support.leaf("one").entry()
        when = datetime.datetime(2020, 1, 2, 3, 4, 5, 678000, UTC)
        other = entry.replace(alias="else", certificates=[support.leaf("one").der], created=when)
        self.assertEqual((other.alias, len(other.certificates), other.created), ("else", 1, when))
        self.assertEqual((entry.alias, len(entry.certificates)), ("one", 2))
        with self.assertRaises(ValueError):
            entry.replace(created=datetime.datetime(2020, 1, 1))
        purposes = certstore.Entry.trusted(support.root().der, trust=["serverAuth"], reject=["emailProtection"])
        self.assertEqual((purposes.trust, purposes.reject), (("serverAuth",), ("emailProtection",)))

    def test_a_secret_key_keeps_its_bytes(self):
        bundle = certstore.Bundle("jceks")
        bundle["aes"] = certstore.Entry.secret("AES", bytes(range(16)))
        read = certstore.Bundle.parse(bundle.export(password="changeit"), "jceks", password="changeit")
        self.assertEqual((read["aes"].key.algorithm, read["aes"].key.bits, read["aes"].key.export()), ("AES", 128, bytes(range(16))))
        self.assertEqual(read.integrity, certstore.Integrity.VERIFIED)

    def test_a_request_is_signed_by_the_key(self):
        request = support.leaf("one").entry().key.csr("CN=one,O=Example", ["a.example", "192.0.2.1"])
        said = support.openssl("req", "-inform", "DER", "-noout", "-verify", "-text", given=request).decode()
        self.assertIn("DNS:a.example, IP Address:192.0.2.1", said)

    def test_an_export_leaves_nothing_out_unasked(self):
        bundle = certstore.Bundle("jceks")
        bundle["session"] = certstore.Entry.secret("AES", b"0123456789abcdef")
        for format in ("jks", "pem"):
            with self.assertRaisesRegex(certstore.LossyError, "session"):
                bundle.export(format, password="changeit")
            self.assertIsInstance(bundle.export(format, password="changeit", allow_loss=True), bytes)
        self.assertTrue(bundle.export("pkcs12", password="changeit"))

    def test_verify_and_losses_are_findings(self):
        bundle = certstore.Bundle("pem")
        bundle["one"] = support.leaf("one").entry()
        later = datetime.datetime.now(UTC) + datetime.timedelta(days=400)
        self.assertIn("expired", [finding.code for finding in bundle.verify(later)])
        self.assertTrue(bundle.losses("pemdir"))
        with self.assertRaises(certstore.MismatchError):
            support.leaf("one").entry().replace(certificates=[support.leaf("two").der]).key.check()

    def test_a_path_like_and_a_name_that_is_not_utf_8_open(self):
        path = pathlib.Path(self.path("x.pem"))
        path.write_bytes(support.root().pem)
        with certstore.open(path) as store:
            self.assertEqual(len(store.read()), 1)
        with contextlib.suppress(certstore.Error), certstore.open("pem:" + self.path("\udcff.pem")) as store:
            self.assertIn("\udcff", store.uri)

    def test_limits_and_options_reach_the_library(self):
        pathlib.Path(self.path("x.pem")).write_bytes(support.root().pem * 2 + support.leaf("one").pem)
        with certstore.open(self.path("x.pem"), limits={certstore.Limit.ENTRIES: 1}) as store, self.assertRaises(certstore.LimitError):
            store.read()
        with certstore.open(self.path("x.pem"), require_integrity=True) as store, self.assertRaises(certstore.NoMacError):
            store.read()
        with self.assertRaises(ValueError):
            certstore.open("pem:x", lock_timeout=-1)
        self.assertEqual(certstore.state_dir(self.path("there")), self.path("there"))


class Life(support.Case):
    def identity(self, name="one"):
        return certstore.open("pkcs12:" + self.path(f"{name}.p12"), password=b"changeit")

    def fill(self, store, name):
        bundle = store.read()
        bundle["web"] = support.leaf(name).entry()
        with certstore.transaction() as txn:
            txn.replace(store, bundle)

    def test_sixteen_threads_share_a_store_and_lose_no_change(self):
        failures = []
        with certstore.open("jks:" + self.path("x.jks"), password=b"changeit", generations=0) as store:
            self.fill(store, "one")
            entry = support.root().trusted()

            def work(number):
                try:
                    for _ in range(400):
                        bundle = store.read()
                        bundle[f"root-{number}"] = entry
                        try:
                            with certstore.transaction() as txn:
                                txn.replace(store, bundle)
                            break
                        except (certstore.ConflictError, certstore.LockedError):
                            bundle.verify()
                    else:
                        raise AssertionError("never committed")
                    store.history()
                    store.read()["web"].key.export()
                except BaseException as error:
                    failures.append(error)

            threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            self.assertEqual(sorted(store.read()), sorted(["web"] + [f"root-{n}" for n in range(16)]))

    def test_sixteen_threads_read_one_bundle_while_one_changes_it(self):
        bundle = certstore.Bundle("jks")
        bundle["web"] = support.leaf("one").entry()
        failures = []

        def work(number):
            try:
                for i in range(30):
                    if number == 0:
                        bundle[f"root-{i}"] = support.root().trusted()
                    self.assertEqual(bundle["web"].certificate.subject, "CN=one")
                    self.assertGreater(len(bundle.export(password="changeit")), 500)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_the_lock_of_the_interpreter_is_let_go_while_a_store_is_awaited(self):
        with self.identity() as store, self.identity() as other:
            self.fill(store, "one")
            held = certstore.transaction()
            bundle = store.read()
            bundle["web"] = support.leaf("two").entry()
            held.replace(store, bundle)
            held.prepare()  # holds the store's lock on the disk
            theirs = other.read()
            theirs["root"] = support.root().trusted()
            ended = threading.Event()

            def wait():
                with contextlib.suppress(certstore.Error), certstore.transaction() as txn:
                    txn.replace(other, theirs)
                ended.set()

            thread = threading.Thread(target=wait)
            thread.start()
            held.rollback()  # could never come to pass if the other thread kept the interpreter
            thread.join(60)
            self.assertTrue(ended.is_set())
            self.assertIn("root", other.read())

    def test_a_child_reads_what_its_parent_opened_and_leaves_its_transaction_alone(self):
        with self.identity() as store:
            self.fill(store, "one")
            txn = certstore.transaction()
            bundle = store.read()
            bundle["web"] = support.leaf("two").entry()
            txn.replace(store, bundle)
            txn.prepare()
            store._guard._lock.acquire()  # as another thread of the parent would hold it
            child = os.fork()
            if child == 0:
                status = 1
                with contextlib.suppress(BaseException):
                    same = store.read()["web"].certificate.der == support.leaf("one").der
                    try:
                        txn.commit()
                    except certstore.ArgumentError:
                        txn.rollback()
                        del txn
                        gc.collect()
                        status = 0 if same else 2
                os._exit(status)
            store._guard._lock.release()
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
            txn.commit()
            self.assertEqual(store.read()["web"].certificate.der, support.leaf("two").der)

    def test_watch_yields_each_new_value_and_ends_in_time(self):
        with self.identity() as store, self.identity() as other:
            self.fill(store, "one")
            seen = store.watch(store.read(), interval=0.01, timeout=60)
            for name in ("two", "three"):
                self.fill(other, name)
                self.assertEqual(next(seen)["web"].certificate.subject, f"CN={name}")
            self.assertEqual(list(store.watch(interval=0.01, timeout=0.05)), [])
            store.close()
            self.assertEqual(list(seen), [])

    def test_watch_yields_a_new_passphrase_and_raises_where_it_knows_only_the_old_one(self):
        with self.identity() as store, self.identity() as other:
            self.fill(store, "one")
            mine = store.watch(interval=0.01, timeout=60)
            theirs = other.watch(other.read(), interval=0.01, timeout=60)
            with certstore.transaction() as txn:
                txn.set_password(store, "another")
            self.assertEqual(list(next(mine)), ["web"])
            with self.assertRaises(certstore.PasswordError):
                next(theirs)

    def handshake(self, server, client, name="localhost"):
        """Both sides in memory of this process; returns what the client saw."""
        left, right = socket.socketpair()
        with left, right:
            left.settimeout(30)
            right.settimeout(30)
            served = []

            def serve():
                with contextlib.suppress(OSError), server.wrap_socket(left, server_side=True) as side:
                    served.append(side.getpeercert(True))
                    side.recv(1)

            thread = threading.Thread(target=serve)
            thread.start()
            try:
                with client.wrap_socket(right, server_hostname=name) as side:
                    seen = side.getpeercert(True)
                    side.send(b"x")
            finally:
                right.close()
                thread.join(60)
            return seen, served[0]

    def test_tls_contexts_from_stores_complete_a_handshake_both_ways(self):
        with self.identity() as store, certstore.open("pem:" + self.path("ca.pem")) as roots:
            self.fill(store, "one")
            bundle = roots.read()
            bundle["root"] = support.root().trusted()
            before = set(os.listdir(self.folder))
            server = store.ssl_context(server_side=True, trust=bundle)
            client = store.ssl_context(alias="web", trust=bundle)
            self.assertEqual(set(os.listdir(self.folder)), before)
            self.assertEqual(self.handshake(server, client), (support.leaf("one").der, support.leaf("one").der))
            untrusting = certstore.Bundle()
            untrusting["other"] = certstore.Entry.trusted(support.Identity("stranger").der)
            with self.assertRaises(ssl.SSLError):
                self.handshake(server, store.ssl_context(alias="web", trust=untrusting))
            with self.assertRaises(KeyError):
                certstore.Bundle().ssl_context()

    def test_a_certificate_that_is_rejected_for_tls_is_not_trusted_for_it(self):
        bundle = certstore.Bundle()
        bundle["root"] = certstore.Entry.trusted(support.root().der, reject=["serverAuth"])
        with self.assertRaises(certstore.NotFoundError):
            bundle.ssl_context()

    def test_cryptography_takes_and_gives_certificates_and_keys(self):
        try:
            from cryptography.hazmat.primitives import hashes
            from cryptography.hazmat.primitives.asymmetric import ec
        except ImportError:
            self.skipTest("cryptography is not installed")
        entry = support.leaf("one").entry()
        certificate, key = entry.certificate.to_cryptography(), entry.key.to_cryptography()
        certificate.public_key().verify(entry.key.sign(b"data", "sha384"), b"data", ec.ECDSA(hashes.SHA384()))
        again = certstore.Entry.private_key(key, [certificate], alias="one")
        again.key.check()
        self.assertEqual(again.certificate, entry.certificate)
        with self.assertRaises(ValueError):
            entry.key.sign(b"data", "md5")

    def test_what_is_made_and_freed_leaves_no_memory_behind(self):
        if os.environ.get("LD_PRELOAD"):
            self.skipTest("another allocator keeps the books")

        TURNS = 10

        class Mallinfo(ctypes.Structure):
            _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

        libc = ctypes.CDLL(None)
        libc.mallinfo2.restype = Mallinfo

        def identity():  # of a format that derives no keys: a hundred turns take two seconds
            return certstore.open("jks:" + self.path("one.jks"), password=b"changeit")

        def turn():
            with identity() as store:
                bundle = store.read()
                entry = bundle["web"]
                entry.key.export(), entry.certificate.subject, bundle.notes, bundle.verify(), bundle.copy().pop("web")
                certstore.Bundle.parse(bundle.export("jks", password="x" * 8), password="x" * 8)
                txn = certstore.transaction("nothing")
                bundle["root"] = support.root().trusted()
                txn.replace(store, bundle)
                txn.prepare()
                txn.rollback()
                bundle.ssl_context(server_side=True)
                for call in (lambda: bundle["nobody"], lambda: bundle.rename("web", "root"), lambda: certstore.open("x:y"), lambda: certstore.open("a\0")):
                    with contextlib.suppress(certstore.Error, ValueError):
                        call()

        with identity() as store:
            self.fill(store, "one")

        def used():
            for _ in range(TURNS):
                turn()
            gc.collect()
            return libc.mallinfo2().uordblks, sys.getallocatedblocks()

        # OpenSSL's tables grow for a while, and then no more. What leaks grows in every round.
        grown, before = [], used()
        for _ in range(20):
            after = used()
            grown.append((after[0] - before[0], after[1] - before[1]))
            if grown[-1][0] < TURNS * 16 and grown[-1][1] < TURNS:
                return
            before = after
        self.fail(f"every round of {TURNS} turns left bytes and blocks behind: {grown}")


if __name__ == "__main__":
    unittest.main()
