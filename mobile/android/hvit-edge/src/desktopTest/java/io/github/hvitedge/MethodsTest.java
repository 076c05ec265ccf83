package io.github.hvitedge;

import static io.github.hvitedge.Fixture.CLASSES;
import static io.github.hvitedge.Fixture.assertRefused;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.Test;

/** An artifact of several input sizes and batches, see cpp/tests/make_methods.py. */
public class MethodsTest {
    private static final File ARTIFACT = Fixture.artifact("methods_v1.pte");

    private static Frame frame(int width, int height) {
        return Frame.of(
                PixelFormat.RGB888, width, height,
                Plane.of(Fixture.pixels(3 * width * height, 1)));
    }

    private static List<Prediction> classify(String method, Frame frame) {
        try (Classifier classifier = Classifier.open(ARTIFACT, 1, method)) {
            return classifier.classify(frame, CLASSES);
        }
    }

    @Test
    public void areListed() {
        try (Classifier classifier = Classifier.open(ARTIFACT);
                Classifier ofOne = Fixture.open()) {
            assertEquals(
                    Arrays.asList(
                            "32x32", "24x32", "32x24", "32x32-batch3", "24x32-batch3",
                            "32x24-batch3"),
                    classifier.methods());
            assertTrue(ofOne.methods().isEmpty());
        }
    }

    @Test
    public void areChosenByTheAspectRatioOrByName() {
        Frame wide = frame(80, 60);
        assertEquals(classify("24x32", wide), classify(null, wide));
        assertNotEquals(classify("32x32", wide), classify(null, wide));
        Frame tall = frame(60, 80);
        assertEquals(classify("32x24", tall), classify(null, tall));
    }

    @Test
    public void areNamedForArtifactsInMemory() throws IOException {
        byte[] bytes = Files.readAllBytes(ARTIFACT.toPath());
        Frame wide = frame(80, 60);
        List<Prediction> expected = classify("32x24", wide);
        try (Classifier array = Classifier.open(bytes, 1, "32x24");
                Classifier buffer = Classifier.open(Fixture.direct(bytes), 1, "32x24")) {
            assertEquals(expected, array.classify(wide, CLASSES));
            assertEquals(expected, buffer.classify(wide, CLASSES));
        }
    }

    @Test
    public void refusesOthers() {
        assertRefused(
                Status.INVALID_ARGUMENT,
                "did you mean '24x32'?",
                () -> Classifier.open(ARTIFACT, 1, "24x33"));
        assertRefused(
                Status.INVALID_ARGUMENT,
                "expected a method with a batch of 1, got 32x32-batch3",
                () -> Classifier.open(ARTIFACT, 1, "32x32-batch3"));
    }
}
