package io.github.hvitedge;

import static io.github.hvitedge.Fixture.assertRefused;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.Assume;
import org.junit.Test;

public class LifetimeTest {
    private static final String CLOSED = "expected an open classifier, got a closed one";
    private static final byte[] NO_ARTIFACT = new byte[1 << 20];

    @Test
    public void closingTwiceDoesNothing() {
        Classifier classifier = Fixture.open();
        classifier.close();
        assertTrue(classifier.handle().isClosed());
        classifier.close();
        // The address may belong to another classifier by now, which must stay open.
        try (Classifier other = Fixture.open()) {
            classifier.close();
            assertEquals(1, other.classify(Fixture.rgb(0), 1).size());
        }
    }

    @Test
    public void refusesUseAfterClose() {
        Classifier classifier = Fixture.open();
        classifier.close();
        assertRefused(
                Status.INVALID_ARGUMENT, CLOSED, () -> classifier.classify(Fixture.rgb(0), 1));
        assertRefused(Status.INVALID_ARGUMENT, CLOSED, classifier::labels);
        assertRefused(Status.INVALID_ARGUMENT, CLOSED, classifier::classCount);
        assertRefused(Status.INVALID_ARGUMENT, CLOSED, classifier::selfTest);
    }

    @Test
    public void resultsOutliveTheClassifier() {
        List<Prediction> predictions;
        List<String> labels;
        try (Classifier classifier = Fixture.open()) {
            predictions = classifier.classify(Fixture.rgb(0), 1);
            labels = classifier.labels();
        }
        assertEquals(labels.get(predictions.get(0).index()), predictions.get(0).label());
    }

    private static Handle forget() {
        Classifier classifier = Fixture.open();
        assertFalse(classifier.handle().isClosed());
        return classifier.handle();
    }

    @Test
    public void closesWhatWasForgotten() {
        Handle handle = forget();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!handle.isClosed() && System.nanoTime() < deadline) {
            System.gc();
        }
        assertTrue(handle.isClosed());
    }

    private static long residentKilobytes() throws IOException {
        for (String line :
                Files.readAllLines(Paths.get("/proc/self/status"), StandardCharsets.US_ASCII)) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new AssertionError("expected VmRSS in /proc/self/status");
    }

    private static void openAndClassify(int times, byte[] artifact) {
        for (int i = 0; i < times; i++) {
            try (Classifier classifier =
                    i % 2 == 0 ? Fixture.open() : Classifier.open(artifact)) {
                classifier.classify(Fixture.rgb(i), 3);
                classifier.labels();
            }
            assertRefused(
                    Status.INVALID_ARTIFACT, "Session",
                    () -> Classifier.open(Fixture.artifact(Fixture.TWO_OUTPUTS)));
            assertRefused(Status.INVALID_ARTIFACT, "", () -> Classifier.open(NO_ARTIFACT));
        }
    }

    /** 200 open classifiers hold over 14 MB, and 200 copies of these bytes hold 200 MB. */
    @Test
    public void openingAndClosingLeavesNothing() throws IOException {
        Assume.assumeTrue(Files.isReadable(Paths.get("/proc/self/status")));
        byte[] artifact = Files.readAllBytes(Fixture.artifact(Fixture.TINY).toPath());
        openAndClassify(300, artifact);
        System.gc();
        long before = residentKilobytes();
        openAndClassify(200, artifact);
        System.gc();
        long grown = residentKilobytes() - before;
        assertTrue("grown by " + grown + " KB", grown < 10_000);
    }
}
