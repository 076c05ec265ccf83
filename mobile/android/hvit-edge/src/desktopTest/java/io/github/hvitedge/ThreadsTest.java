package io.github.hvitedge;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.After;
import org.junit.Test;

public class ThreadsTest {
    private static final int THREADS = 8;
    private static final int ROUNDS = 50;

    private final ExecutorService pool = Executors.newFixedThreadPool(THREADS);

    @After
    public void shutDown() {
        pool.shutdownNow();
    }

    /** Runs {@code work} in every thread; none continues before all have begun. */
    private void everywhere(Callable<Void> work) throws Exception {
        CountDownLatch begun = new CountDownLatch(THREADS);
        List<Future<Void>> running = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            running.add(
                    pool.submit(
                            () -> {
                                begun.countDown();
                                begun.await();
                                return work.call();
                            }));
        }
        for (Future<Void> one : running) {
            one.get();
        }
    }

    private static List<List<Prediction>> expected() {
        List<List<Prediction>> expected = new ArrayList<>();
        try (Classifier classifier = Fixture.open()) {
            for (int i = 0; i < ROUNDS; i++) {
                expected.add(classifier.classify(Fixture.rgb(i), 3));
            }
        }
        return expected;
    }

    private static void check(Classifier classifier, List<List<Prediction>> expected) {
        for (int i = 0; i < ROUNDS; i++) {
            assertEquals(expected.get(i), classifier.classify(Fixture.rgb(i), 3));
        }
    }

    @Test
    public void oneClassifierServesAll() throws Exception {
        List<List<Prediction>> expected = expected();
        try (Classifier shared = Fixture.open()) {
            everywhere(
                    () -> {
                        check(shared, expected);
                        return null;
                    });
        }
    }

    @Test
    public void eachServesItsOwn() throws Exception {
        List<List<Prediction>> expected = expected();
        everywhere(
                () -> {
                    try (Classifier own = Fixture.open()) {
                        check(own, expected);
                    }
                    return null;
                });
    }

    /** Calls are refused only after the classifier was closed, and no thread crashes. */
    @Test
    public void closingWaitsForThoseThatClassify() throws Exception {
        List<List<Prediction>> expected = expected();
        AtomicInteger answered = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        for (int round = 0; round < 20; round++) {
            Classifier shared = Fixture.open();
            AtomicInteger turn = new AtomicInteger();
            everywhere(
                    () -> {
                        for (int i = 0; i < ROUNDS; i++) {
                            if (turn.incrementAndGet() == 4 * THREADS) {
                                shared.close();
                                assertTrue(shared.handle().isClosed());
                            }
                            try {
                                assertEquals(
                                        expected.get(i), shared.classify(Fixture.rgb(i), 3));
                                answered.incrementAndGet();
                            } catch (HvitEdgeException closed) {
                                assertEquals(Status.INVALID_ARGUMENT, closed.status());
                                assertTrue(shared.handle().isClosed());
                                refused.incrementAndGet();
                            }
                        }
                        return null;
                    });
        }
        assertEquals(20 * THREADS * ROUNDS, answered.get() + refused.get());
        assertTrue(answered.get() > 0);
        assertTrue(refused.get() > 0);
    }

    @Test
    public void closingFromAllClosesOnce() throws Exception {
        for (int round = 0; round < 50; round++) {
            Classifier shared = Fixture.open();
            everywhere(
                    () -> {
                        shared.close();
                        assertTrue(shared.handle().isClosed());
                        return null;
                    });
        }
    }
}
