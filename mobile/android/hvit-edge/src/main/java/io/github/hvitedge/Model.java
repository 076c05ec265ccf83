package io.github.hvitedge;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A model on images: a {@link Classifier}, {@link Embedder}, {@link Segmenter} or {@link Detector}.
 *
 * <p>It may be used and closed from any thread. Frames are run one after another; closing waits for
 * the frame that is running. Every failure is an {@link HvitEdgeException}.
 */
public abstract class Model implements AutoCloseable {
    /** Stands for as many threads as the device has fast cores. */
    public static final int AUTO_THREADS = 0;

    private final Task task;
    private final Handle handle;
    private final Reclaimer.Entry entry;

    Model(Task task, long address) {
        this.task = task;
        handle = new Handle(task, address);
        entry = Reclaimer.watch(this, handle);
    }

    /** Opens an artifact of any of these tasks, and returns the class that runs it. */
    public static Model open(File file) {
        byte[] path = path("Model", file);
        switch (taskOf(Native.taskOfFile(path))) {
            case EMBED:
                return Embedder.open(file);
            case SEGMENT:
                return Segmenter.open(file);
            case DETECT:
                return Detector.open(file);
            default:
                return Classifier.open(file);
        }
    }

    /** Copies and opens the artifact between the position and the limit of a direct buffer. */
    public static Model open(ByteBuffer artifact) {
        switch (taskOf(Native.taskOfBuffer(slice("Model", artifact)))) {
            case EMBED:
                return Embedder.open(artifact);
            case SEGMENT:
                return Segmenter.open(artifact);
            case DETECT:
                return Detector.open(artifact);
            default:
                return Classifier.open(artifact);
        }
    }

    /** Copies and opens an artifact. */
    public static Model open(byte[] artifact) {
        switch (taskOf(Native.taskOfArray(check("Model", artifact, "an artifact's bytes")))) {
            case EMBED:
                return Embedder.open(artifact);
            case SEGMENT:
                return Segmenter.open(artifact);
            case DETECT:
                return Detector.open(artifact);
            default:
                return Classifier.open(artifact);
        }
    }

    /** Returns the labels in class order; empty if the artifact has none. */
    public List<String> labels() {
        return texts(use(address -> Native.labels(task.ordinal(), address)));
    }

    /**
     * Returns the methods of an artifact with several input sizes or batches, such as "320x240",
     * the preferred one first; empty for others.
     */
    public List<String> methods() {
        return texts(use(address -> Native.methods(task.ordinal(), address)));
    }

    /** Runs the artifact's golden photo on this device. */
    public SelfTest selfTest() {
        return new SelfTest(use(address -> Native.selfTest(task.ordinal(), address)));
    }

    /** Waits for calls that have begun; any later call is refused. Closing again does nothing. */
    @Override
    public void close() {
        entry.close();
    }

    Handle handle() {
        return handle;
    }

    <R> R use(java.util.function.LongFunction<R> call) {
        return handle.use(call);
    }

    /** Calls {@code run} with the buffers and numbers of a frame. */
    <R> R run(Frame frame, FrameCall<R> run) {
        check(task.model, frame, "a frame");
        return use(address -> run.call(address, frame.buffers(), frame.numbers()));
    }

    interface FrameCall<R> {
        R call(long address, ByteBuffer[] planes, int[] numbers);
    }

    static long openFile(Task task, File file, int threads, String method) {
        return Native.openFile(task.ordinal(), path(task.model, file), threads, utf8(method));
    }

    static long openBuffer(Task task, ByteBuffer artifact, int threads, String method) {
        return Native.openBuffer(
                task.ordinal(), slice(task.model, artifact), threads, utf8(method));
    }

    static long openArray(Task task, byte[] artifact, int threads, String method) {
        byte[] bytes = check(task.model, artifact, "an artifact's bytes");
        return Native.openArray(task.ordinal(), bytes, threads, utf8(method));
    }

    static <T> T check(String where, T given, String expected) {
        if (given == null) {
            throw HvitEdgeException.refuse(
                    "[" + where + "] expected " + expected + ", got null; pass one");
        }
        return given;
    }

    static String text(byte[] utf8) {
        return new String(utf8, StandardCharsets.UTF_8);
    }

    private static Task taskOf(byte[] name) {
        for (Task task : Task.values()) {
            if (task.name.equals(text(name))) {
                return task;
            }
        }
        throw HvitEdgeException.refuse(
                "[Model] expected an artifact of a task on images, got one of the task "
                        + text(name) + "; run it with the C interface");
    }

    private static byte[] path(String where, File file) {
        String path = check(where, file, "an artifact's file").getPath();
        if (path.indexOf('\0') >= 0) {
            throw HvitEdgeException.refuse(
                    "[" + where + "] expected a path, got one with a NUL inside; check the path");
        }
        return utf8(path);
    }

    private static ByteBuffer slice(String where, ByteBuffer artifact) {
        if (!check(where, artifact, "an artifact's buffer").isDirect()) {
            throw HvitEdgeException.refuse(
                    "[" + where + "] expected a direct ByteBuffer, got one on the heap; pass its"
                            + " byte[]");
        }
        return artifact.slice();
    }

    private static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> texts(byte[][] utf8) {
        List<String> texts = new ArrayList<>();
        for (byte[] one : utf8) {
            texts.add(text(one));
        }
        return Collections.unmodifiableList(texts);
    }
}
