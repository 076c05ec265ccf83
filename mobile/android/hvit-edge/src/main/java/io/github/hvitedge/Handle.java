package io.github.hvitedge;

import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;

/**
 * Holds the address of a native model, and ensures that it is closed once and not used later.
 * Closing waits for calls that have begun.
 */
final class Handle {
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final Task task;
    private long address;

    Handle(Task task, long address) {
        this.task = task;
        this.address = address;
    }

    <R> R use(LongFunction<R> call) {
        lock.readLock().lock();
        try {
            if (address == 0) {
                throw HvitEdgeException.refuse(
                        "[" + task.model + "] expected " + task.opened()
                                + ", got a closed one; open it again");
            }
            return call.apply(address);
        } finally {
            lock.readLock().unlock();
        }
    }

    void close() {
        lock.writeLock().lock();
        try {
            if (address != 0) {
                Native.close(task.ordinal(), address);
                address = 0;
            }
        } finally {
            lock.writeLock().unlock();
        }
    }

    boolean isClosed() {
        lock.readLock().lock();
        try {
            return address == 0;
        } finally {
            lock.readLock().unlock();
        }
    }
}
