// SPDX-License-Identifier: Apache-2.0
import java.io.ByteArrayInputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Collections;

/** Java's own KeyStore in a process that is long warm: CPU microseconds of loading a store and getting every certificate, the mean. */
final class WarmKeyStore {
    private static int load(String type, byte[] bytes) throws Exception {
        KeyStore store = KeyStore.getInstance(type);
        store.load(new ByteArrayInputStream(bytes), "changeit".toCharArray());
        int count = 0;
        for (String alias : Collections.list(store.aliases()))
            count += store.getCertificate(alias) != null ? 1 : 0;
        return count;
    }

    public static void main(String[] args) throws Exception {
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        byte[] bytes = Files.readAllBytes(Path.of(args[1]));
        int wanted = Integer.parseInt(args[2]);
        long warm = System.nanoTime() + 3_000_000_000L;
        while (System.nanoTime() < warm)
            if (load(args[0], bytes) != wanted)
                throw new IllegalStateException("not every entry came");
        // The clock of the process ticks in hundredths of a second: a mean over a second.
        long before = system.getProcessCpuTime();
        long end = System.nanoTime() + 1_000_000_000L;
        int loads = 0;
        for (; loads < 3 || System.nanoTime() < end; loads++)
            load(args[0], bytes);
        System.out.println((system.getProcessCpuTime() - before) / 1000.0 / loads);
    }
}
