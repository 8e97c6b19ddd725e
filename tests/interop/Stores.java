/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores.java: Java's own key stores, for check-jks and check-pkcs12.
 *
 *   make DIR   writes DIR/java.jks and DIR/java.jceks from DIR/{web,ca}.crt and DIR/{web,other}.p8 (DER), and the same
 *              as DIR/plain.* without the aliases that are no UTF-8 in the file (U+0000, two halves of a pair)
 *   make12 DIR STOREPASS  writes DIR/java.p12 from DIR/{leaf,ca}.crt and DIR/{leaf,other}.p8; the leaf is the CA's
 *   list OUT TYPE FILE STOREPASS [ALIAS=PASS ...]   writes to OUT what tests/interop/storetool.c prints
 *
 * Several commands may follow one another, divided by "--": starting Java is what takes the time.
 */
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.crypto.*;
import javax.crypto.spec.*;

public class Stores {
    static Certificate cert(Path path) throws Exception {
        try (InputStream in = Files.newInputStream(path)) {
            return CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    static PrivateKey key(Path path, String algorithm) throws Exception {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(path)));
    }

    static void make(Path dir) throws Exception {
        Certificate web = cert(dir.resolve("web.crt")), ca = cert(dir.resolve("ca.crt"));
        PrivateKey webKey = key(dir.resolve("web.p8"), "EC"), otherKey = key(dir.resolve("other.p8"), "RSA");
        for (String name : new String[] { "java.JKS", "java.JCEKS", "plain.JKS", "plain.JCEKS" }) {
            String type = name.substring(name.indexOf('.') + 1);
            KeyStore store = KeyStore.getInstance(type);
            store.load(null, null);
            store.setCertificateEntry("CA", ca);
            store.setCertificateEntry("\u0130stanbul", web);
            if (name.startsWith("java")) {
                store.setCertificateEntry("\u00c4rger \ud83d\ude00", ca);
                store.setCertificateEntry("nul\0nul", web);
            }
            store.setKeyEntry("web", webKey, "changeit".toCharArray(), new Certificate[] { web, ca });
            store.setKeyEntry("other", otherKey, "its own".toCharArray(), new Certificate[] { ca });
            if (type.equals("JCEKS")) {
                store.setKeyEntry("aes", new SecretKeySpec("0123456789abcdef".getBytes(), "AES"), "changeit".toCharArray(), null);
                store.setKeyEntry("hmac", KeyGenerator.getInstance("HmacSHA256").generateKey(), "its own".toCharArray(), null);
                store.setKeyEntry("des", SecretKeyFactory.getInstance("DESede").generateSecret(
                    new DESedeKeySpec("0123456789abcdef01234567".getBytes())), "changeit".toCharArray(), null);
                store.setKeyEntry("pbe", SecretKeyFactory.getInstance("PBEWithMD5AndDES").generateSecret(
                    new PBEKeySpec("a passphrase".toCharArray())), "changeit".toCharArray(), null);
            }
            try (OutputStream out = Files.newOutputStream(dir.resolve(name.toLowerCase()))) {
                store.store(out, "changeit".toCharArray());
            }
        }
    }

    static void make12(Path dir, String password) throws Exception {
        Certificate leaf = cert(dir.resolve("leaf.crt")), ca = cert(dir.resolve("ca.crt")), other = cert(dir.resolve("other.crt"));
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("CA", ca);
        store.setCertificateEntry("\u00c4rger \ud83d\ude00", ca);
        store.setKeyEntry("Web", key(dir.resolve("leaf.p8"), "EC"), password.toCharArray(), new Certificate[] { leaf, ca });
        store.setKeyEntry("other", key(dir.resolve("other.p8"), "RSA"), "its own".toCharArray(), new Certificate[] { other });
        store.setKeyEntry("aes", new SecretKeySpec("0123456789abcdef".getBytes(), "AES"), password.toCharArray(), null);
        store.setKeyEntry("hmac", KeyGenerator.getInstance("HmacSHA256").generateKey(), "its own".toCharArray(), null);
        try (OutputStream out = Files.newOutputStream(dir.resolve("java.p12"))) {
            store.store(out, password.toCharArray());
        }
    }

    static String hash(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    static String certs(Certificate[] chain) throws Exception {
        List<String> hashes = new ArrayList<>();
        for (Certificate cert : chain == null ? new Certificate[0] : chain)
            hashes.add(hash(cert.getEncoded()));
        return hashes.isEmpty() ? "-" : String.join("+", hashes);
    }

    static String entry(KeyStore store, String alias, char[] password) throws Exception {
        if (store.isCertificateEntry(alias))
            return "trusted\t" + certs(new Certificate[] { store.getCertificate(alias) }) + "\t-";
        Key key = store.getKey(alias, password);
        boolean secret = key instanceof SecretKey;
        return (secret ? "secret" : "key") + "\t" + certs(store.getCertificateChain(alias)) + "\t" + hash(key.getEncoded())
            + (secret ? ":" + key.getAlgorithm() : "");
    }

    static void list(String type, String file, String storePass, List<String> own, PrintStream out) throws Exception {
        KeyStore store = KeyStore.getInstance(type);
        try (InputStream in = new FileInputStream(file)) {
            store.load(in, storePass.toCharArray());
        }
        Map<String, String> passwords = new HashMap<>();
        for (String word : own)
            passwords.put(word.substring(0, word.lastIndexOf('=')), word.substring(word.lastIndexOf('=') + 1));
        for (String alias : Collections.list(store.aliases()))
            out.println(alias.replace("\0", "<NUL>") + "\t" + entry(store, alias, passwords.getOrDefault(alias, storePass).toCharArray()));
    }

    static void run(List<String> words) throws Exception {
        if (words.get(0).equals("make")) {
            make(Paths.get(words.get(1)));
            return;
        }
        if (words.get(0).equals("make12")) {
            make12(Paths.get(words.get(1)), words.get(2));
            return;
        }
        try (PrintStream out = new PrintStream(new FileOutputStream(words.get(1)), false, StandardCharsets.UTF_8)) {
            list(words.get(2), words.get(3), words.get(4), words.subList(5, words.size()), out);
        }
    }

    public static void main(String[] args) throws Exception {
        List<String> words = new ArrayList<>();
        for (String arg : args) {
            if (!arg.equals("--")) {
                words.add(arg);
                continue;
            }
            run(words);
            words.clear();
        }
        run(words);
    }
}
