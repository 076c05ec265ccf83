package io.github.hvitedge;

import java.nio.charset.StandardCharsets;

/** A class and its probability. */
public final class Prediction {
    private final String label;
    private final int index;
    private final float score;

    /** Called by libhvit_edge_jni. */
    Prediction(byte[] label, int index, float score) {
        this.label = new String(label, StandardCharsets.UTF_8);
        this.index = index;
        this.score = score;
    }

    /** Returns the label; "class 17" if the artifact has no labels. */
    public String label() {
        return label;
    }

    public int index() {
        return index;
    }

    /** Returns the softmax probability, 0 to 1. */
    public float score() {
        return score;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Prediction)) {
            return false;
        }
        Prediction that = (Prediction) other;
        return index == that.index
                && Float.compare(score, that.score) == 0
                && label.equals(that.label);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * index + Float.hashCode(score)) + label.hashCode();
    }

    @Override
    public String toString() {
        return label + " (" + index + "): " + score;
    }
}
