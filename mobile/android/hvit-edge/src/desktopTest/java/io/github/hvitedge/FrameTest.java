package io.github.hvitedge;

import static io.github.hvitedge.Fixture.CLASSES;
import static io.github.hvitedge.Fixture.HEIGHT;
import static io.github.hvitedge.Fixture.WIDTH;
import static io.github.hvitedge.Fixture.assertRefused;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.After;
import org.junit.Test;

public class FrameTest {
    private static final int SIZE = 3 * WIDTH * HEIGHT;

    private final Classifier classifier = Fixture.open();
    private final ByteBuffer pixels = Fixture.pixels(SIZE, 5);

    @After
    public void close() {
        classifier.close();
    }

    private List<Prediction> classify(Frame frame) {
        return classifier.classify(frame, CLASSES);
    }

    private Frame rgb(Plane plane) {
        return Frame.of(PixelFormat.RGB888, WIDTH, HEIGHT, plane);
    }

    private void refused(String part, Frame frame) {
        assertRefused(Status.INVALID_ARGUMENT, part, () -> classify(frame));
    }

    /** Returns the RGB pixels with other channels and padded rows; gray for one channel. */
    private Plane repacked(int[] channels, int rowStride) {
        int pixel = channels.length;
        ByteBuffer packed = ByteBuffer.allocateDirect(rowStride * HEIGHT);
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                for (int c = 0; c < pixel; c++) {
                    int first = 3 * (y * WIDTH + x);
                    byte value = channels[c] < 0 ? 99 : pixels.get(first + channels[c]);
                    packed.put(y * rowStride + x * pixel + c, value);
                }
            }
        }
        return Plane.of(packed, rowStride, pixel);
    }

    @Test
    public void everyPackedFormatGivesTheSame() {
        List<Prediction> expected = classify(rgb(Plane.of(pixels)));
        assertEquals(expected, classify(rgb(repacked(new int[] {0, 1, 2}, 200))));
        assertEquals(
                expected,
                classify(
                        Frame.of(PixelFormat.RGBA8888, WIDTH, HEIGHT,
                                repacked(new int[] {0, 1, 2, -1}, 4 * WIDTH))));
        assertEquals(
                expected,
                classify(
                        Frame.of(PixelFormat.BGRA8888, WIDTH, HEIGHT,
                                repacked(new int[] {2, 1, 0, -1}, 4 * WIDTH + 12))));
        assertEquals(
                classify(rgb(repacked(new int[] {1, 1, 1}, 3 * WIDTH))),
                classify(
                        Frame.of(PixelFormat.GRAY8, WIDTH, HEIGHT, repacked(new int[] {1}, 64))));
    }

    @Test
    public void rotationTurnsClockwise() {
        ByteBuffer upright = ByteBuffer.allocateDirect(SIZE);
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                for (int c = 0; c < 3; c++) {
                    upright.put(
                            3 * (x * HEIGHT + HEIGHT - 1 - y) + c,
                            pixels.get(3 * (y * WIDTH + x) + c));
                }
            }
        }
        assertEquals(
                classify(Frame.of(PixelFormat.RGB888, HEIGHT, WIDTH, Plane.of(upright))),
                classify(rgb(Plane.of(pixels)).rotated(90)));
        assertEquals(
                classify(
                        Frame.of(PixelFormat.RGB888, HEIGHT, WIDTH, Plane.of(upright)).rotated(90)),
                classify(rgb(Plane.of(pixels)).rotated(180)));
        refused("0, 90, 180 or 270 degrees, got 45", rgb(Plane.of(pixels)).rotated(45));
    }

    @Test
    public void planesAreTheBytesFromPositionToLimit() {
        ByteBuffer larger = ByteBuffer.allocateDirect(SIZE + 11);
        larger.position(7);
        larger.put(pixels.duplicate());
        larger.position(7);
        larger.limit(7 + SIZE);
        Plane plane = Plane.of(larger);
        larger.clear();
        assertEquals(classify(rgb(Plane.of(pixels))), classify(rgb(plane)));
        larger.position(7);
        larger.limit(7 + SIZE - 1);
        refused("got a buffer of " + (SIZE - 1), rgb(Plane.of(larger)));
        larger.limit(7);
        refused("got a buffer of 0 bytes", rgb(Plane.of(larger)));
    }

    @Test
    public void refusesBuffersThatAreNotDirect() {
        assertRefused(
                Status.INVALID_ARGUMENT, "expected a direct ByteBuffer, got one on the heap",
                () -> Plane.of(ByteBuffer.allocate(SIZE)));
        assertRefused(
                Status.INVALID_ARGUMENT, "expected a direct ByteBuffer, got null",
                () -> Plane.of(null));
    }

    @Test
    public void refusesStridesThatLeaveTheBuffer() {
        refused("got a buffer of " + SIZE, rgb(Plane.of(pixels, 3 * WIDTH + 1, 0)));
        refused("expected row_stride_bytes of at least", rgb(Plane.of(pixels, 3 * WIDTH - 1, 0)));
        refused("check the plane's size and stride",
                rgb(Plane.of(pixels, Integer.MAX_VALUE, 0)));
        refused("pixel_stride", rgb(Plane.of(pixels, 0, 4)));
        for (int[] strides : new int[][] {{-1, 0}, {0, -1}}) {
            assertRefused(
                    Status.INVALID_ARGUMENT, "expected strides of at least 0",
                    () -> Plane.of(pixels, strides[0], strides[1]));
        }
    }

    @Test
    public void refusesFramesThatCannotBe() {
        Plane plane = Plane.of(pixels);
        for (int side : new int[] {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            refused("expected", Frame.of(PixelFormat.RGB888, side, HEIGHT, plane));
            refused("expected", Frame.of(PixelFormat.RGB888, WIDTH, side, plane));
        }
        refused("expected pixels, got a null pointer",
                Frame.of(PixelFormat.RGB888, WIDTH, HEIGHT));
        refused("plane", Frame.of(PixelFormat.RGB888, WIDTH, HEIGHT, plane, plane));
        assertRefused(
                Status.INVALID_ARGUMENT, "expected a frame, got null", () -> classify(null));
        assertRefused(
                Status.INVALID_ARGUMENT, "at most 3 planes, got 4",
                () -> Frame.of(PixelFormat.I420, WIDTH, HEIGHT, plane, plane, plane, plane));
        assertRefused(
                Status.INVALID_ARGUMENT, "null", () -> Frame.of(null, WIDTH, HEIGHT, plane));
        assertRefused(
                Status.INVALID_ARGUMENT, "null",
                () -> Frame.of(PixelFormat.RGB888, WIDTH, HEIGHT, (Plane) null));
        assertRefused(
                Status.INVALID_ARGUMENT, "null",
                () -> Frame.of(PixelFormat.RGB888, WIDTH, HEIGHT, (Plane[]) null));
        assertRefused(Status.INVALID_ARGUMENT, "null", () -> rgb(plane).colored(null));
    }

    @Test
    public void yuvWithoutColourIsGray() {
        Plane luma = Plane.of(Fixture.pixels(WIDTH * HEIGHT, 6));
        List<Prediction> gray = classify(Frame.of(PixelFormat.GRAY8, WIDTH, HEIGHT, luma));
        byte[] neutral = new byte[WIDTH * HEIGHT / 2];
        java.util.Arrays.fill(neutral, (byte) 128);
        Plane both = Plane.of(Fixture.direct(neutral), WIDTH, 2);
        Plane one = Plane.of(Fixture.direct(neutral), WIDTH / 2, 1);
        for (PixelFormat format : new PixelFormat[] {PixelFormat.NV12, PixelFormat.NV21}) {
            assertEquals(
                    gray,
                    classify(
                            Frame.of(format, WIDTH, HEIGHT, luma, both)
                                    .colored(YuvColor.BT601_FULL)));
        }
        assertEquals(
                gray,
                classify(
                        Frame.of(PixelFormat.I420, WIDTH, HEIGHT, luma, one, one)
                                .colored(YuvColor.BT601_FULL)));
    }

    /** As in android.media.Image: U and V are interleaved, and each begins in the other's bytes. */
    @Test
    public void interleavedPlanesAreThoseOfNv12AndNv21() {
        Plane luma = Plane.of(Fixture.pixels(WIDTH * HEIGHT, 7));
        ByteBuffer both = Fixture.pixels(WIDTH * HEIGHT / 2, 8);
        both.limit(both.capacity() - 1);
        Plane even = Plane.of(both, WIDTH, 2);
        both.limit(both.capacity());
        both.position(1);
        Plane odd = Plane.of(both, WIDTH, 2);
        both.position(0);
        Plane pairs = Plane.of(both, WIDTH, 2);
        List<Prediction> nv12 = classify(Frame.of(PixelFormat.NV12, WIDTH, HEIGHT, luma, pairs));
        List<Prediction> nv21 = classify(Frame.of(PixelFormat.NV21, WIDTH, HEIGHT, luma, pairs));
        assertNotEquals(nv12, nv21);
        assertEquals(nv12, classify(Frame.of(PixelFormat.I420, WIDTH, HEIGHT, luma, even, odd)));
        assertEquals(nv21, classify(Frame.of(PixelFormat.I420, WIDTH, HEIGHT, luma, odd, even)));
        assertNotEquals(
                nv12,
                classify(
                        Frame.of(PixelFormat.NV12, WIDTH, HEIGHT, luma, pairs)
                                .colored(YuvColor.BT709_VIDEO)));
    }

    @Test
    public void mirroringExchangesLeftAndRight() {
        ByteBuffer mirrored = ByteBuffer.allocateDirect(SIZE);
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                for (int c = 0; c < 3; c++) {
                    mirrored.put(
                            3 * (y * WIDTH + WIDTH - 1 - x) + c,
                            pixels.get(3 * (y * WIDTH + x) + c));
                }
            }
        }
        assertEquals(
                classify(rgb(Plane.of(mirrored))), classify(rgb(Plane.of(pixels)).mirrored(true)));
        assertEquals(
                classify(rgb(Plane.of(pixels))),
                classify(rgb(Plane.of(pixels)).mirrored(true).mirrored(false)));
    }
}
