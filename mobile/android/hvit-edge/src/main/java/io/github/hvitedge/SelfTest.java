package io.github.hvitedge;

/** How this device's answer to the artifact's golden photo differs from PyTorch's. */
public final class SelfTest {
    private final double[] values;

    SelfTest(double[] values) {
        this.values = values;
    }

    /** The difference is within the artifact's tolerance. */
    public boolean passed() {
        return values[2] != 0;
    }

    /** Both name the same class. */
    public boolean top1Agree() {
        return values[3] != 0;
    }

    /** Largest absolute difference from the golden output. */
    public double maxAbs() {
        return values[0];
    }

    /** {@link #maxAbs} divided by the largest absolute golden output. */
    public double maxRel() {
        return values[1];
    }
}
