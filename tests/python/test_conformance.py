# SPDX-License-Identifier: Apache-2.0
"""What every place and format promises, asked through Python: one class a row. A new place is one more row."""
import certstore
import support
from certstore import Capability


class Conformance:
    """The promises. A row gives the URI (with {} for the folder), the options, and an entry by name."""

    uri = ""
    options: dict = {}  # type: ignore[type-arg]

    another = "nouvelle clé"

    def open(self, **more):
        return certstore.open(self.uri.format(self.folder), **{**self.options, **more})

    def entry(self, name):
        if Capability.KEYS in self.open().capabilities:
            return support.leaf(name).entry()
        return support.leaf(name).trusted()

    def put(self, store, name, keep=False):
        """The store holds that entry alone, or beside what it has; returns its alias there."""
        bundle = store.read()
        if not keep:
            for alias in list(bundle):
                del bundle[alias]
        bundle[name] = self.entry(name)
        with certstore.transaction(f"put {name}") as txn:
            txn.replace(store, bundle)
        return next(e.alias for e in store.read().entries() if e.certificates[0].der == support.leaf(name).der)

    def test_a_store_that_does_not_exist_reads_as_empty(self):
        with self.open() as store:
            self.assertFalse(store.exists())
            self.assertEqual(len(store.read()), 0)

    def test_what_is_put_is_read_again(self):
        with self.open() as store:
            alias = self.put(store, "one")
            self.assertTrue(store.exists())
            entry = store.read()[alias]
            self.assertEqual(entry.certificate.der, support.leaf("one").der)
            if entry.kind is certstore.Kind.KEY:
                self.assertEqual(len(entry.certificates), 2)
                entry.key.check()
                self.assertEqual(entry.key.export(), support.leaf("one").pkcs8)

    def test_an_exception_rolls_back_and_leaves_every_byte(self):
        with self.open() as store:
            alias = self.put(store, "one")
            before = self.content()
            with self.assertRaises(ZeroDivisionError), certstore.transaction() as txn:
                bundle = store.read()
                del bundle[alias]
                txn.replace(store, bundle)
                txn.prepare()
                raise ZeroDivisionError
            self.assertEqual(self.content(), before)
            self.assertEqual(certstore.pending(), ())

    def test_a_secret_key_is_held_or_refused_and_left_out_only_where_that_is_allowed(self):
        with self.open() as store, self.open(allow_loss=True) as lossy:
            alias = self.put(store, "one")
            before = self.content()
            bundle = store.read()
            bundle["session"] = certstore.Entry.secret("AES", b"0123456789abcdef")
            if Capability.SECRETS in store.capabilities:
                with certstore.transaction() as txn:
                    txn.replace(store, bundle)
                self.assertIs(store.read()["session"].kind, certstore.Kind.SECRET)
                return
            with self.assertRaisesRegex(certstore.LossyError, "session"), certstore.transaction() as txn:
                txn.replace(store, bundle)
            self.assertEqual(self.content(), before)
            self.assertIn("session", bundle)
            bundle = lossy.read()
            bundle["session"] = certstore.Entry.secret("AES", b"0123456789abcdef")
            with certstore.transaction() as txn:
                txn.replace(lossy, bundle)
            self.assertEqual(list(store.read()), [alias])

    def test_what_is_removed_is_gone(self):
        with self.open() as store:
            alias = self.put(store, "one")
            bundle = store.read()
            del bundle[alias]
            with self.assertRaises(KeyError):
                del bundle[alias]
            with certstore.transaction() as txn:
                txn.replace(store, bundle)
            self.assertEqual(list(store.read()), [])

    def test_a_renamed_entry_has_the_new_alias_only(self):
        with self.open() as store:
            alias = self.put(store, "one")
            bundle = store.read()
            bundle.rename(alias, "renamed")
            with certstore.transaction() as txn:
                txn.replace(store, bundle)
            kept = Capability.ALIASES in store.capabilities  # the others make an alias of the subject
            self.assertEqual(list(store.read()), ["renamed" if kept else alias])

    def test_a_store_changed_by_somebody_else_is_a_conflict_and_stays(self):
        with self.open() as store, self.open() as theirs:
            alias = self.put(store, "one")
            bundle = store.read()
            self.put(theirs, "two")
            self.assertTrue(store.changed(bundle))
            before = self.content()
            del bundle[alias]
            with self.assertRaises(certstore.ConflictError), certstore.transaction() as txn:
                txn.replace(store, bundle)
            self.assertEqual(self.content(), before)

    def test_one_store_that_fails_leaves_the_other_as_it_was(self):
        with self.open() as store, certstore.open("pem:" + self.path("other.pem")) as other:
            alias = self.put(store, "one")
            stale = other.read()
            with certstore.transaction() as txn:
                theirs = other.read()
                theirs["root"] = support.root().trusted()
                txn.replace(other, theirs)
            stale["two"] = support.leaf("two").trusted()
            before = self.content()
            with self.assertRaises(certstore.Error), certstore.transaction() as txn:
                bundle = store.read()
                del bundle[alias]
                txn.replace(store, bundle)
                txn.replace(other, stale)
            self.assertEqual(self.content(), before)

    def test_generations_are_listed_and_come_back_byte_for_byte(self):
        with self.open() as store:
            self.put(store, "one")
            first, number = self.content(), store.generation
            self.put(store, "two")
            history = store.history()
            self.assertEqual(history[-1].number, store.generation)
            self.assertEqual(history[-1].note, "put two")
            self.assertIsNotNone(history[-1].time.tzinfo)
            self.assertIn(number, [row.number for row in history if row.kept])
            earlier = store.read_generation(number)
            self.assertEqual([e.certificates[0].der for e in earlier.entries()], [support.leaf("one").der])
            with certstore.transaction() as txn:
                txn.restore(store, number)
                txn.commit()
                self.assertEqual(txn.generation(store), store.generation)
            self.assertEqual(self.content(), first)
            self.assertGreater(store.generation, history[-1].number)

    def test_a_commit_that_changes_nothing_writes_nothing(self):
        with self.open() as store:
            self.put(store, "one")
            before, number = self.content(), store.generation
            with certstore.transaction() as txn:
                txn.replace(store, store.read())
                txn.commit()
                self.assertEqual(txn.changed, 0)
                self.assertEqual(txn.generation(store), 0)
            self.assertEqual(self.content(), before)
            self.assertEqual(store.generation, number)

    def test_a_wrong_passphrase_says_so(self):
        if not self.options:
            self.assertNotIn(Capability.INTEGRITY, self.open().capabilities)
            return
        with self.open() as store, self.open(password=b"a secret of ours") as wrong:
            self.put(store, "one")
            with self.assertRaises(certstore.PasswordError) as caught:
                wrong.read()
            self.assertNotIn("a secret of ours", str(caught.exception) + caught.exception.cause)
            self.assertEqual(caught.exception.status, certstore.Status.PASSWORD)

    def test_another_passphrase_opens_it_after_the_commit(self):
        if not self.options:
            self.assertNotIn(Capability.INTEGRITY, self.open().capabilities)
            return
        with self.open() as store:
            alias = self.put(store, "one")
            with certstore.transaction() as txn:
                txn.set_password(store, self.another)
            with self.assertRaises(certstore.PasswordError), self.open() as old:
                old.read()
            with self.open(password=self.another) as new:
                self.assertEqual(new.read()[alias].key.export(), support.leaf("one").pkcs8)


class Pem(Conformance, support.Case):
    uri = "pem:{}/store.pem"


class PemPair(Conformance, support.Case):
    uri = "pem:{0}/chain.pem?key={0}/key.pem"


class PemDir(Conformance, support.Case):
    uri = "pemdir:{}/certs"


class Pkcs12(Conformance, support.Case):
    uri = "pkcs12:{}/store.p12"
    options = {"password": b"changeit"}


class Jks(Conformance, support.Case):
    uri = "jks:{}/store.jks"
    options = {"password": b"changeit"}


class Jceks(Conformance, support.Case):
    uri = "jceks:{}/store.jceks"
    options = {"password": b"changeit"}
    another = "another"  # Java encrypts keys of JCEKS with ASCII passphrases only


class Token(Conformance, support.Case):
    """A PKCS#11 token, which is always there. Its content is what is listed: it has no bytes."""

    options = {"password": support.Tokens.pin}

    def setUp(self):
        super().setUp()
        self.uri = support.tokens().take()

    def entry(self, name):
        return support.leaf(name).trusted()

    def content(self):
        with self.open() as store:
            return [(entry.alias, entry.kind, [cert.der for cert in entry.certificates]) for entry in store.read().entries()]

    def test_a_store_that_does_not_exist_reads_as_empty(self):
        with self.open() as store:
            self.assertTrue(store.exists())
            self.assertEqual(len(store.read()), 0)

    # A process is logged in on a token or it is not: a PIN counts where no other handle has presented one.

    def test_a_wrong_passphrase_says_so(self):
        with self.open() as store:
            self.identity(store)
        with self.open(password=b"a secret of ours") as wrong:
            with self.assertRaises(certstore.PasswordError) as caught:
                wrong.read()
            self.assertNotIn("a secret of ours", str(caught.exception) + caught.exception.cause)

    def test_another_passphrase_opens_it_after_the_commit(self):
        def change():
            with self.open() as store:
                self.identity(store)
                with certstore.transaction() as txn:
                    txn.set_password(store, "another PIN")

        change()  # and nothing of it is left that would hold the token open
        with self.assertRaises(certstore.PasswordError), self.open() as old:
            old.read()
        with self.open(password="another PIN") as new:
            new.read()["web"].key.check()

    def test_a_new_pin_beside_another_change_is_refused(self):
        with self.open() as store:
            bundle = store.read()
            bundle["one"] = self.entry("one")
            with self.assertRaises(certstore.Error), certstore.transaction() as txn:
                txn.replace(store, bundle)
                txn.set_password(store, "another PIN")  # nobody could take it back
                txn.commit()
            self.assertEqual(len(store.read()), 0)

    def identity(self, store):
        bundle = store.read()
        bundle["web"] = support.leaf("web").entry()
        with certstore.transaction() as txn:
            txn.replace(store, bundle)
        return store.read()["web"]

    def test_a_key_that_was_put_stays_on_the_token_and_signs_there(self):
        with self.open() as store:
            entry = self.identity(store)
            entry.key.check()
            self.assertTrue(entry.key.bound)
            with self.assertRaises(certstore.BoundError):
                entry.key.export()
            signature = entry.key.sign(b"text")
            for name, data in (("public.der", entry.key.public()), ("signature", signature), ("text", b"text")):
                with open(self.path(name), "wb") as file:
                    file.write(data)
            support.openssl("dgst", "-sha256", "-verify", self.path("public.der"), "-keyform", "DER", "-signature", self.path("signature"), self.path("text"))

    def test_a_request_is_signed_by_the_key_on_the_token(self):
        with self.open() as store:
            request = self.identity(store).key.csr("CN=web", ["web.example"])
            said = support.openssl("req", "-inform", "DER", "-verify", "-noout", "-subject", given=request)
            self.assertIn(b"web", said)

    def test_a_key_whose_place_is_taken_stays(self):
        with self.open() as store:
            self.identity(store)
            bundle = store.read()
            bundle["web"] = support.leaf("other").entry()
            with certstore.transaction() as txn:
                txn.replace(store, bundle)
            entries = store.read().entries()
            self.assertEqual(sorted(len(entry.certificates) for entry in entries if entry.kind is certstore.Kind.KEY), [0, 2])

    def test_a_key_is_destroyed_only_where_that_is_allowed(self):
        with self.open() as store, self.open(destroy_keys=True) as allowed:
            self.identity(store)
            for one, refused in ((store, True), (allowed, False)):
                bundle = one.read()
                del bundle["web"]
                if refused:
                    with self.assertRaises(certstore.LossyError), certstore.transaction() as txn:
                        txn.replace(one, bundle)
                else:
                    with certstore.transaction() as txn:
                        txn.replace(one, bundle)
            self.assertNotIn("web", store.read())
