package io.github.hvitedge;

import static io.github.hvitedge.Fixture.CLASSES;
import static io.github.hvitedge.Fixture.assertRefused;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class ClassifierTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private final BufferedImage photo = readPhoto();

    private static BufferedImage readPhoto() {
        try {
            return ImageIO.read(new File(System.getProperty("hvit_edge.photo")));
        } catch (IOException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    private byte[] photoPixels() {
        byte[] bytes = new byte[3 * photo.getWidth() * photo.getHeight()];
        int next = 0;
        for (int y = 0; y < photo.getHeight(); y++) {
            for (int x = 0; x < photo.getWidth(); x++) {
                int rgb = photo.getRGB(x, y);
                bytes[next++] = (byte) (rgb >> 16);
                bytes[next++] = (byte) (rgb >> 8);
                bytes[next++] = (byte) rgb;
            }
        }
        return bytes;
    }

    private Frame photoFrame() {
        return Frame.of(
                PixelFormat.RGB888, photo.getWidth(), photo.getHeight(),
                Plane.of(Fixture.direct(photoPixels())));
    }

    /** Returns the predictions of hvit_edge_runner, which is C++ without the C interface. */
    private List<Prediction> runnerPredictions() throws IOException, InterruptedException {
        String runner = System.getProperty("hvit_edge.runner");
        assumeTrue("hvit_edge_runner is not built", runner != null);
        File ppm = folder.newFile("photo.ppm");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        String header = "P6\n" + photo.getWidth() + " " + photo.getHeight() + "\n255\n";
        bytes.write(header.getBytes(StandardCharsets.US_ASCII));
        bytes.write(photoPixels());
        Files.write(ppm.toPath(), bytes.toByteArray());
        Process process =
                new ProcessBuilder(
                                runner, "classify", Fixture.artifact(Fixture.TINY).getPath(),
                                ppm.getPath(), "--top-k", "7")
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        String json = new String(readAll(process.getInputStream()), StandardCharsets.UTF_8);
        assertEquals(json, 0, process.waitFor());
        List<Prediction> predictions = new ArrayList<>();
        Matcher found =
                Pattern.compile("\"label\":\"([^\"]*)\",\"index\":(\\d+),\"score\":([-+.e\\d]+)")
                        .matcher(json);
        while (found.find()) {
            predictions.add(
                    new Prediction(
                            found.group(1).getBytes(StandardCharsets.UTF_8),
                            Integer.parseInt(found.group(2)), Float.parseFloat(found.group(3))));
        }
        return predictions;
    }

    private static byte[] readAll(InputStream stream) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] part = new byte[4096];
        for (int count = stream.read(part); count >= 0; count = stream.read(part)) {
            all.write(part, 0, count);
        }
        return all.toByteArray();
    }

    @Test
    public void givesWhatTheRunnerGives() throws Exception {
        List<Prediction> expected = runnerPredictions();
        assertEquals(CLASSES, expected.size());
        try (Classifier classifier = Fixture.open()) {
            assertEquals(expected, classifier.classify(photoFrame(), CLASSES));
        }
    }

    @Test
    public void agreesWithPyTorch() {
        try (Classifier classifier = Fixture.open()) {
            SelfTest result = classifier.selfTest();
            assertTrue(result.passed());
            assertTrue(result.top1Agree());
            assertTrue(result.maxRel() >= 0 && result.maxRel() <= 1e-4);
            assertTrue(result.maxAbs() >= 0);
        }
    }

    @Test
    public void opensFromMemory() throws IOException {
        byte[] bytes = Files.readAllBytes(Fixture.artifact(Fixture.TINY).toPath());
        // After one byte, so that its address is odd: only position to limit counts.
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length + 2);
        buffer.position(1);
        buffer.put(bytes);
        buffer.flip();
        buffer.position(1);
        List<Prediction> expected;
        try (Classifier classifier = Fixture.open()) {
            expected = classifier.classify(Fixture.rgb(1), CLASSES);
        }
        try (Classifier fromArray = Classifier.open(bytes);
                Classifier fromBuffer = Classifier.open(buffer)) {
            Arrays.fill(bytes, (byte) 0);
            for (int i = 0; i < buffer.limit(); i++) {
                buffer.put(i, (byte) 0);
            }
            assertEquals(expected, fromArray.classify(Fixture.rgb(1), CLASSES));
            assertEquals(expected, fromBuffer.classify(Fixture.rgb(1), CLASSES));
        }
    }

    @Test
    public void knowsItsLabels() {
        try (Classifier classifier = Fixture.open()) {
            assertEquals(CLASSES, classifier.classCount());
            List<String> labels = classifier.labels();
            assertEquals(CLASSES, labels.size());
            for (Prediction prediction : classifier.classify(Fixture.rgb(2), CLASSES)) {
                assertEquals(labels.get(prediction.index()), prediction.label());
            }
        }
        assertTrue(Classifier.version(), Classifier.version().matches("\\d+\\.\\d+\\.\\d+"));
    }

    @Test
    public void givesAsManyAsAskedFor() {
        try (Classifier classifier = Fixture.open()) {
            List<Prediction> all = classifier.classify(Fixture.rgb(3), Integer.MAX_VALUE);
            assertEquals(CLASSES, all.size());
            float sum = 0;
            for (int i = 0; i < CLASSES; i++) {
                sum += all.get(i).score();
                assertTrue(i == 0 || all.get(i - 1).score() >= all.get(i).score());
            }
            assertEquals(1, sum, 1e-5);
            assertEquals(all.subList(0, 2), classifier.classify(Fixture.rgb(3), 2));
            for (int topK : new int[] {0, -1}) {
                assertRefused(
                        Status.INVALID_ARGUMENT, "expected top_k of at least 1, got " + topK,
                        () -> classifier.classify(Fixture.rgb(3), topK));
            }
        }
    }

    @Test
    public void opensWithThreads() {
        try (Classifier one = Classifier.open(Fixture.artifact(Fixture.TINY), 1)) {
            assertFalse(one.classify(Fixture.rgb(1), 1).isEmpty());
        }
        assertRefused(
                Status.INVALID_ARGUMENT, "threads",
                () -> Classifier.open(Fixture.artifact(Fixture.TINY), -1));
    }

    @Test
    public void refusesWhatIsNoClassifier() {
        for (String name : Fixture.OTHER_MODELS) {
            assertRefused(
                    Status.INVALID_ARTIFACT, "use Session for other models",
                    () -> Classifier.open(Fixture.artifact(name)));
        }
    }

    @Test
    public void refusesFilesWithTheTextOfCpp() throws IOException {
        File foreign = folder.newFile("foreign.pte");
        Files.write(foreign.toPath(), new byte[64]);
        assertRefused(Status.INVALID_ARTIFACT, "expected", () -> Classifier.open(foreign));
        // A character beyond the Basic Multilingual Plane, which JNI's strings would garble.
        assertRefused(
                Status.INVALID_ARGUMENT, "no such file: none \u00e4\ud83d\ude00.pte",
                () -> Classifier.open(new File("none \u00e4\ud83d\ude00.pte")));
        assertRefused(
                Status.INVALID_ARGUMENT, "NUL", () -> Classifier.open(new File("a\0b.pte")));
        assertRefused(Status.INVALID_ARGUMENT, "null", () -> Classifier.open((File) null));
    }

    @Test
    public void refusesMemoryWithTheTextOfCpp() throws IOException {
        byte[] bytes = Files.readAllBytes(Fixture.artifact(Fixture.TINY).toPath());
        byte[] truncated = Arrays.copyOf(bytes, bytes.length - 40);
        assertRefused(
                Status.INVALID_ARTIFACT, "expected", () -> Classifier.open(truncated));
        assertRefused(
                Status.INVALID_ARTIFACT, "expected",
                () -> Classifier.open(Fixture.direct(truncated)));
        assertRefused(
                Status.INVALID_ARGUMENT, "on the heap",
                () -> Classifier.open(ByteBuffer.wrap(bytes)));
        assertRefused(Status.INVALID_ARGUMENT, "null", () -> Classifier.open((byte[]) null));
        assertRefused(Status.INVALID_ARGUMENT, "null", () -> Classifier.open((ByteBuffer) null));
        bytes[bytes.length / 2] ^= 1;
        assertRefused(Status.INVALID_ARTIFACT, "expected", () -> Classifier.open(bytes));
        assertRefused(
                Status.INVALID_ARGUMENT,
                "[hve_classifier_open_memory] expected an artifact in memory",
                () -> Classifier.open(new byte[0]));
    }
}
