package io.github.hvitedge;

import static io.github.hvitedge.Fixture.assertRefused;
import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.Test;

/** The artifacts of make_tasks.py, whose answers to frames of a few colors are known. */
public class TasksTest {
    private static final int WIDTH = 96;
    private static final int HEIGHT = 128;
    private static final String PREFIX =
            System.getProperty("hvit_edge.runtime").equals("small") ? "native_" : "";
    private static final String EMBED = PREFIX + "embed_v2.pte";
    private static final String SEGMENT = PREFIX + "segment_v2.pte";
    private static final String DETECT = PREFIX + "detect_v2.pte";

    /** Gray, red in the upper left, blue in the lower right, as color_frame.h in C++. */
    private static byte[] colors() {
        byte[] bytes = new byte[3 * WIDTH * HEIGHT];
        Arrays.fill(bytes, (byte) 128);
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                boolean red = x < 32 && y < 64;
                boolean blue = x >= 32 && y >= 96;
                for (int channel = 0; channel < 3 && (red || blue); channel++) {
                    bytes[3 * (y * WIDTH + x) + channel] = (byte) (channel == (red ? 0 : 2) ? 255 : 0);
                }
            }
        }
        return bytes;
    }

    private static Frame frame() {
        return Frame.of(PixelFormat.RGB888, WIDTH, HEIGHT, Plane.of(Fixture.direct(colors())));
    }

    private static Frame oneColor(int red, int green, int blue) {
        byte[] bytes = new byte[3 * 8 * 8];
        for (int i = 0; i < bytes.length; i += 3) {
            bytes[i] = (byte) red;
            bytes[i + 1] = (byte) green;
            bytes[i + 2] = (byte) blue;
        }
        return Frame.of(PixelFormat.RGB888, 8, 8, Plane.of(Fixture.direct(bytes)));
    }

    @Test
    public void embeds() {
        try (Embedder embedder = Embedder.open(Fixture.artifact(EMBED))) {
            assertEquals(5, embedder.size());
            double length = Math.sqrt(13.25);
            double[] features = {2.5, -1.5, -1.5, 0.5, -1.5};
            float[] red = embedder.embed(oneColor(255, 0, 0));
            for (int i = 0; i < 5; i++) {
                assertEquals(features[i] / length, red[i], 1e-5);
            }
            float[] green = embedder.embed(oneColor(0, 255, 0));
            assertEquals(1, Embedder.cosineSimilarity(red, red), 1e-6);
            double product = 0;
            for (int i = 0; i < 5; i++) {
                product += red[i] * (double) green[i];
            }
            assertEquals(product, Embedder.cosineSimilarity(red, green), 1e-6);
            assertTrue(embedder.selfTest().passed());
            assertTrue(embedder.labels().isEmpty());
            assertRefused(Status.INVALID_ARGUMENT, "[Embedder] expected a frame, got null",
                    () -> embedder.embed(null));
            assertRefused(Status.INVALID_ARGUMENT, "expected vectors of one size, got 5 and 4",
                    () -> Embedder.cosineSimilarity(red, new float[4]));
            assertRefused(Status.INVALID_ARGUMENT, "expected a vector, got null",
                    () -> Embedder.cosineSimilarity(red, null));
        }
    }

    @Test
    public void segments() {
        try (Segmenter segmenter = Segmenter.open(Fixture.artifact(SEGMENT))) {
            assertEquals(Arrays.asList("background", "red", "green", "blue"), segmenter.labels());
            assertArrayEquals(
                    new int[] {0xff000000, 0xffff0000, 0xff00ff00, 0xff0000ff},
                    segmenter.colors());
            Mask mask = segmenter.segment(frame().rotated(180).mirrored(true));
            assertEquals(WIDTH, mask.width());
            assertEquals(HEIGHT, mask.height());
            assertNull(mask.confidence());
            assertEquals(1, mask.classAt(4, 4));
            assertEquals(0, mask.classAt(90, 4));
            assertEquals(3, mask.classAt(90, 120));
            int[] overlay = mask.overlay(segmenter.colors(), 128);
            assertEquals(WIDTH * HEIGHT, overlay.length);
            assertEquals(0x80ff0000, overlay[4 * WIDTH + 4]);
            assertEquals(0, overlay[4 * WIDTH + 90]);
            assertRefused(Status.INVALID_ARGUMENT, "expected a pixel inside 96 x 128, got (96, 0)",
                    () -> mask.classAt(WIDTH, 0));
            assertRefused(Status.INVALID_ARGUMENT, "expected an alpha from 0 to 255, got 256",
                    () -> mask.overlay(segmenter.colors(), 256));
            assertRefused(Status.INVALID_ARGUMENT, "expected a color for the class 1, got 1",
                    () -> mask.overlay(new int[1], 255));
            Mask sure = segmenter.segment(frame(), true);
            assertNotNull(sure.confidence());
            assertTrue(sure.confidence()[4 * WIDTH + 4] > 0.9);
            assertTrue(segmenter.selfTest().passed());
        }
    }

    @Test
    public void detects() {
        try (Detector detector = Detector.open(Fixture.artifact(DETECT))) {
            List<Detection> found = detector.detect(frame());
            assertEquals(4, found.size());
            for (Detection box : found) {
                assertEquals(box.index() == 1 ? "red" : "blue", box.label());
                assertTrue(box.score() > 0.9);
                assertEquals(32 * Math.exp(-0.2), box.width(), 0.01);
                assertTrue(box.x() >= 0 && box.y() >= 0 && box.y() + box.height() <= HEIGHT);
            }
            DetectOptions two = DetectOptions.DEFAULT.maxDetections(2).scoreThreshold(0.5f);
            assertEquals(2, detector.detect(frame(), two).size());
            DetectOptions all =
                    DetectOptions.DEFAULT.scoreThreshold(0).iouThreshold(1).maxDetections(2000)
                            .candidates(12);
            assertEquals(36, detector.detect(frame(), all).size());
            assertTrue(detector.detect(oneColor(128, 128, 128)).isEmpty());
            assertEquals(Arrays.asList("red", "green", "blue"), detector.labels());
            assertTrue(detector.selfTest().passed());
            assertRefused(Status.INVALID_ARGUMENT, "expected options, got null",
                    () -> detector.detect(frame(), null));
        }
    }

    @Test
    public void refusesOptionsThatCannotBe() {
        for (float threshold : new float[] {-1, 1.5f, Float.NaN}) {
            assertRefused(Status.INVALID_ARGUMENT, "expected a threshold of the score from 0 to 1",
                    () -> DetectOptions.DEFAULT.scoreThreshold(threshold));
            assertRefused(Status.INVALID_ARGUMENT, "expected a threshold of the IoU from 0 to 1",
                    () -> DetectOptions.DEFAULT.iouThreshold(threshold));
        }
        assertRefused(Status.INVALID_ARGUMENT, "expected at least 1 of the detections, got 0",
                () -> DetectOptions.DEFAULT.maxDetections(0));
        assertRefused(Status.INVALID_ARGUMENT, "expected at least 1 of the candidates, got -3",
                () -> DetectOptions.DEFAULT.candidates(-3));
    }

    @Test
    public void refusesFramesThatCannotBe() {
        try (Segmenter segmenter = Segmenter.open(Fixture.artifact(SEGMENT))) {
            Plane plane = Plane.of(Fixture.direct(new byte[12]));
            for (int width : new int[] {0, -3}) {
                assertRefused(Status.INVALID_ARGUMENT, "[ImageView]",
                        () -> segmenter.segment(Frame.of(PixelFormat.RGB888, width, 2, plane)));
            }
            assertRefused(Status.INVALID_ARGUMENT, "expected fewer pixels than an array may have",
                    () -> segmenter.segment(Frame.of(PixelFormat.RGB888, 1 << 20, 1 << 20, plane)));
            assertRefused(Status.INVALID_ARGUMENT, "check the plane's size and stride",
                    () -> segmenter.segment(Frame.of(PixelFormat.RGB888, 4, 2, plane)));
        }
    }

    @Test
    public void opensEachTaskFromAnywhere() throws IOException {
        String[] names = {Fixture.TINY, EMBED, SEGMENT, DETECT};
        Class<?>[] types = {Classifier.class, Embedder.class, Segmenter.class, Detector.class};
        for (int i = 0; i < names.length; i++) {
            byte[] bytes = Files.readAllBytes(Fixture.artifact(names[i]).toPath());
            try (Model file = Model.open(Fixture.artifact(names[i]));
                    Model array = Model.open(bytes);
                    Model buffer = Model.open(Fixture.direct(bytes))) {
                assertSame(types[i], file.getClass());
                assertSame(types[i], array.getClass());
                assertSame(types[i], buffer.getClass());
                assertTrue(file.selfTest().passed());
                assertTrue(array.methods().isEmpty());
            }
        }
        assertRefused(Status.INVALID_ARGUMENT, "got one of the task tensor",
                () -> Model.open(Fixture.artifact("native_tensors_v2.pte")));
        assertRefused(Status.INVALID_ARTIFACT, "expected", () -> Model.open(new byte[64]));
        assertRefused(Status.INVALID_ARGUMENT, "[Model] expected an artifact's bytes, got null",
                () -> Model.open((byte[]) null));
    }

    @Test
    public void refusesOtherTasksByTheirNames() {
        assertRefused(Status.INVALID_ARTIFACT, "got one of the task embed; use Embedder",
                () -> Classifier.open(Fixture.artifact(EMBED)));
        assertRefused(Status.INVALID_ARTIFACT, "got one of the task segment; use Segmenter",
                () -> Detector.open(Fixture.artifact(SEGMENT)));
        assertRefused(Status.INVALID_ARTIFACT, "got one of the task detect; use Detector",
                () -> Segmenter.open(Fixture.artifact(DETECT)));
        assertRefused(Status.INVALID_ARTIFACT, "got one of the task classify; use Classifier",
                () -> Embedder.open(Fixture.artifact(Fixture.TINY)));
    }

    @Test
    public void refusesUseAfterClose() {
        Detector detector = Detector.open(Fixture.artifact(DETECT));
        detector.close();
        detector.close();
        assertRefused(Status.INVALID_ARGUMENT,
                "[Detector] expected an open detector, got a closed one; open it again",
                () -> detector.detect(frame()));
        Embedder embedder = Embedder.open(Fixture.artifact(EMBED));
        embedder.close();
        assertRefused(Status.INVALID_ARGUMENT, "[Embedder] expected an open embedder",
                embedder::size);
        Segmenter segmenter = Segmenter.open(Fixture.artifact(SEGMENT));
        segmenter.close();
        assertRefused(Status.INVALID_ARGUMENT, "[Segmenter] expected an open segmenter",
                segmenter::colors);
    }
}
