package io.github.hvitedge;

/** An object, in a box in pixels of the frame as it is stored, before its rotation. */
public final class Detection {
    private final String label;
    private final int index;
    private final float score;
    private final float x;
    private final float y;
    private final float width;
    private final float height;

    /** Called by libhvit_edge_jni. */
    Detection(
            byte[] label, int index, float score, float x, float y, float width, float height) {
        this.label = Model.text(label);
        this.index = index;
        this.score = score;
        this.x = x;
        this.y = y;
        this.width = width;
        this.height = height;
    }

    /** Returns the label; "class 17" if the artifact has no labels. */
    public String label() {
        return label;
    }

    /** Returns the class, from 1; 0 would be the background. */
    public int index() {
        return index;
    }

    /** Returns the softmax probability, 0 to 1. */
    public float score() {
        return score;
    }

    /** Returns the left side of the box. */
    public float x() {
        return x;
    }

    /** Returns the upper side of the box. */
    public float y() {
        return y;
    }

    public float width() {
        return width;
    }

    public float height() {
        return height;
    }

    @Override
    public String toString() {
        return label + " (" + index + "): " + score + " at " + x + ", " + y + ", " + width + " x "
                + height;
    }
}
