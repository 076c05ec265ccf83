import CHvitEdge
import Foundation

/// A model of the task that its artifact names.
public enum AnyModel: Sendable {
    case classifier(Classifier)
    case embedder(Embedder)
    case segmenter(Segmenter)
    case detector(Detector)

    /// Opens a file of any of these tasks, which must not change until the model is closed.
    ///
    /// - Parameter threads: as of `Classifier.open`.
    public static func open(_ file: URL, threads: Int = 0) async throws -> AnyModel {
        switch try await SerialWork().run({ try task(of: file) }) {
        case "classify": return .classifier(try await Classifier.open(file, threads: threads))
        case "embed": return .embedder(try await Embedder.open(file, threads: threads))
        case "segment": return .segmenter(try await Segmenter.open(file, threads: threads))
        case "detect": return .detector(try await Detector.open(file, threads: threads))
        case let other:
            throw HvitEdgeError(
                .invalidArtifact,
                "[AnyModel] expected an artifact of a task on images, got one of the task \(other);"
                    + " run it with the C interface")
        }
    }

    /// Reads the name of an artifact's task; nothing is prepared.
    private static func task(of file: URL) throws -> String {
        guard file.isFileURL else {
            throw HvitEdgeError(
                .invalidArgument,
                "[AnyModel] expected the URL of a file, got \(file.absoluteString); download it")
        }
        var options = hvit_edge_options()
        options.prepare_later = 1
        var session: OpaquePointer?
        try callC { reason in
            file.withUnsafeFileSystemRepresentation {
                hve_session_open($0, &options, &session, reason)
            }
        }
        defer { hve_session_close(&session, nil) }
        return try readText { hve_session_text(session, Int32(HVE_TEXT_TASK), $0, $1) }
    }
}
