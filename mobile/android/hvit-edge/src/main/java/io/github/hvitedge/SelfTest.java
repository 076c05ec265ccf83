package io.github.hvitedge;

/** The difference of this device's result for the golden photo from PyTorch's. */
public final class SelfTest {
    private final double[] values;

    SelfTest(double[] values) {
        this.values = values;
    }

    /** Returns true if the difference is within the artifact's tolerance. */
    public boolean passed() {
        return values[2] != 0;
    }

    /** Returns true if both name the same class; for other tasks, true. */
    public boolean top1Agree() {
        return values[3] != 0;
    }

    /** Returns the largest absolute difference from the golden output. */
    public double maxAbs() {
        return values[0];
    }

    /** Returns {@link #maxAbs} divided by the largest absolute golden output. */
    public double maxRel() {
        return values[1];
    }
}
