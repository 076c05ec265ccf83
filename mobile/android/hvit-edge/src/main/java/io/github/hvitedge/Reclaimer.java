package io.github.hvitedge;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Closes the handles of models that were not closed, some time after the garbage collector has
 * found them. java.lang.ref.Cleaner would suffice, but Android has it only from API 33 on.
 */
final class Reclaimer {
    private static final ReferenceQueue<Object> FORGOTTEN = new ReferenceQueue<>();
    private static final Set<Entry> WATCHED = ConcurrentHashMap.newKeySet();

    static {
        Thread thread = new Thread(Reclaimer::closeForgotten, "hvit-edge-reclaimer");
        thread.setDaemon(true);
        thread.start();
    }

    private Reclaimer() {}

    /** A watched owner; the handle must not refer to it. */
    static final class Entry extends PhantomReference<Object> {
        private final Handle handle;

        private Entry(Object owner, Handle handle) {
            super(owner, FORGOTTEN);
            this.handle = handle;
        }

        /** Closes the handle now and stops watching. */
        void close() {
            handle.close();
            WATCHED.remove(this);
        }
    }

    static Entry watch(Object owner, Handle handle) {
        Entry entry = new Entry(owner, handle);
        WATCHED.add(entry);
        return entry;
    }

    private static void closeForgotten() {
        while (true) {
            try {
                ((Entry) FORGOTTEN.remove()).close();
            } catch (InterruptedException | HvitEdgeException ignored) {
                // No caller waits for the result, and other handles must still be closed.
            }
        }
    }
}
