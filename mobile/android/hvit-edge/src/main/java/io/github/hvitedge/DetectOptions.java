package io.github.hvitedge;

/** Which boxes a {@link Detector} returns. What is not set has the value of the artifact. */
public final class DetectOptions {
    /** Those of the artifact. */
    public static final DetectOptions DEFAULT = new DetectOptions(-1, -1, 0, 0);

    final float scoreThreshold;
    final float iouThreshold;
    final int candidates;
    final int maxDetections;

    private DetectOptions(
            float scoreThreshold, float iouThreshold, int candidates, int maxDetections) {
        this.scoreThreshold = scoreThreshold;
        this.iouThreshold = iouThreshold;
        this.candidates = candidates;
        this.maxDetections = maxDetections;
    }

    /** A box has a greater score, 0 to 1. */
    public DetectOptions scoreThreshold(float threshold) {
        return new DetectOptions(
                fraction("score", threshold), iouThreshold, candidates, maxDetections);
    }

    /** A box that overlaps a better one of its class by more, 0 to 1, is dropped. */
    public DetectOptions iouThreshold(float threshold) {
        return new DetectOptions(
                scoreThreshold, fraction("IoU", threshold), candidates, maxDetections);
    }

    /** So many of the best boxes of a class are compared, at least 1. */
    public DetectOptions candidates(int count) {
        return new DetectOptions(
                scoreThreshold, iouThreshold, positive("candidates", count), maxDetections);
    }

    /** So many of the best boxes of all classes are returned, at least 1. */
    public DetectOptions maxDetections(int count) {
        return new DetectOptions(
                scoreThreshold, iouThreshold, candidates, positive("detections", count));
    }

    // What is refused here would otherwise mean the value of the artifact.
    private static float fraction(String name, float given) {
        if (!(given >= 0 && given <= 1)) {
            throw HvitEdgeException.refuse(
                    "[DetectOptions] expected a threshold of the " + name + " from 0 to 1, got "
                            + given + "; leave it out for the artifact's");
        }
        return given;
    }

    private static int positive(String name, int given) {
        if (given < 1) {
            throw HvitEdgeException.refuse(
                    "[DetectOptions] expected at least 1 of the " + name + ", got " + given
                            + "; leave it out for the artifact's");
        }
        return given;
    }
}
