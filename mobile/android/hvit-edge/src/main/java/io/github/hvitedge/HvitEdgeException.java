package io.github.hvitedge;

import java.nio.charset.StandardCharsets;

/**
 * A failed call. The message is the sentence of the C++ library: {@code [where]
 * expected ..., got ...; how to fix}.
 */
public final class HvitEdgeException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Status status;

    /** Called by libhvit_edge_jni. */
    HvitEdgeException(int code, byte[] message) {
        super(new String(message, StandardCharsets.UTF_8));
        status = Status.of(code);
    }

    private HvitEdgeException(Status status, String message) {
        super(message);
        this.status = status;
    }

    static HvitEdgeException refuse(String message) {
        return new HvitEdgeException(Status.INVALID_ARGUMENT, message);
    }

    public Status status() {
        return status;
    }
}
