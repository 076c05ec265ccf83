package io.github.hvitedge;

/** The reason for a failure: the codes of hve_status in c_api.h. */
public enum Status {
    /** A wrong argument, path, frame or buffer, or a closed classifier. */
    INVALID_ARGUMENT(1),
    /** A truncated, altered, foreign or incomplete file, or one that is not a classifier. */
    INVALID_ARTIFACT(2),
    /** Written for a newer runtime. */
    UNSUPPORTED_VERSION(3),
    /** The program needs a backend that is not linked in. */
    MISSING_BACKEND(4),
    /** The runtime failed while running the program. */
    EXECUTION_FAILED(5),
    OUT_OF_MEMORY(6),
    /** A bug in hvit-edge. */
    INTERNAL(7),
    /** A code that this version does not know. */
    UNKNOWN(-1);

    private final int code;

    Status(int code) {
        this.code = code;
    }

    static Status of(int code) {
        for (Status status : values()) {
            if (status.code == code) {
                return status;
            }
        }
        return UNKNOWN;
    }

    int code() {
        return code;
    }
}
