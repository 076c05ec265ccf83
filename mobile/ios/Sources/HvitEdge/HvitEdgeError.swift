import Foundation

/// A failed call. The message is the sentence of the C++ library:
/// `[where] expected ..., got ...; how to fix`.
public struct HvitEdgeError: Error, Equatable, LocalizedError, CustomStringConvertible {
    /// The codes of `hve_status` in `c_api.h`.
    public enum Status: Int32, Sendable {
        /// A wrong argument, path or image.
        case invalidArgument = 1
        /// A truncated, altered, foreign or incomplete file, or one that is not a classifier.
        case invalidArtifact = 2
        /// Written for a newer runtime.
        case unsupportedVersion = 3
        /// The program needs a backend that is not linked in.
        case missingBackend = 4
        /// The runtime failed while running the program.
        case executionFailed = 5
        case outOfMemory = 6
        /// A bug in hvit-edge.
        case internalError = 7
        /// A code that this version does not know.
        case unknown = -1
    }

    public let status: Status
    public let message: String

    public var errorDescription: String? { message }
    public var description: String { message }

    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }
}
