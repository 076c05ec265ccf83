package io.github.hvitedge;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.ByteBuffer;
import org.junit.function.ThrowingRunnable;

/** The artifacts of the C++ tests, and pixels for them. */
final class Fixture {
    static final int CLASSES = 7;
    static final int WIDTH = 60;
    static final int HEIGHT = 50;

    /** The small runtime has artifacts of its own, for the target native. */
    private static final boolean SMALL = System.getProperty("hvit_edge.runtime").equals("small");
    static final String TINY = SMALL ? "tiny_native_v1.pte" : "tiny_v1.pte";
    static final String TWO_OUTPUTS = SMALL ? "two_outputs_native_v1.pte" : "two_outputs_v1.pte";
    static final String[] OTHER_MODELS =
            SMALL ? new String[] {TWO_OUTPUTS} : new String[] {TWO_OUTPUTS, "integer_output_v1.pte"};

    private Fixture() {}

    static File artifact(String name) {
        return new File(System.getProperty("hvit_edge.data"), name);
    }

    static Classifier open() {
        return Classifier.open(artifact(TINY));
    }

    static ByteBuffer direct(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length);
        buffer.put(bytes);
        buffer.rewind();
        return buffer;
    }

    /** Returns varied pixels that depend on the seed. */
    static ByteBuffer pixels(int size, int seed) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) (i * 7 + i / 64 + seed * (1 + i % 3));
        }
        return direct(bytes);
    }

    static Frame rgb(int seed) {
        return Frame.of(
                PixelFormat.RGB888, WIDTH, HEIGHT, Plane.of(pixels(3 * WIDTH * HEIGHT, seed)));
    }

    static HvitEdgeException assertRefused(Status status, String part, ThrowingRunnable call) {
        HvitEdgeException refusal = assertThrows(HvitEdgeException.class, call);
        assertEquals(refusal.getMessage(), status, refusal.status());
        assertTrue(refusal.getMessage(), refusal.getMessage().contains(part));
        return refusal;
    }
}
