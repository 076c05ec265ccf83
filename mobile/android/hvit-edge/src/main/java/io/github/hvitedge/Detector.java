package io.github.hvitedge;

import java.io.File;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** A model from one image to boxes around objects. */
public final class Detector extends Model {
    private Detector(long address) {
        super(Task.DETECT, address);
    }

    /** Opens a file, which must not change until the detector is closed. */
    public static Detector open(File file) {
        return open(file, AUTO_THREADS);
    }

    /** Opens a file. {@code threads} are those of the complete process: the last call wins. */
    public static Detector open(File file, int threads) {
        return new Detector(openFile(Task.DETECT, file, threads, null));
    }

    /** Copies and opens the artifact between the position and the limit of a direct buffer. */
    public static Detector open(ByteBuffer artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Detector open(ByteBuffer artifact, int threads) {
        return new Detector(openBuffer(Task.DETECT, artifact, threads, null));
    }

    /** Copies and opens an artifact. */
    public static Detector open(byte[] artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Detector open(byte[] artifact, int threads) {
        return new Detector(openArray(Task.DETECT, artifact, threads, null));
    }

    /** Returns the objects, the best first; an empty list if there are none. */
    public List<Detection> detect(Frame frame) {
        return detect(frame, DetectOptions.DEFAULT);
    }

    public List<Detection> detect(Frame frame, DetectOptions options) {
        check("Detector", options, "options");
        Detection[] found = run(frame, (address, planes, numbers) -> Native.detect(
                address, planes, numbers, options.scoreThreshold, options.iouThreshold,
                options.candidates, options.maxDetections));
        return Collections.unmodifiableList(Arrays.asList(found));
    }
}
