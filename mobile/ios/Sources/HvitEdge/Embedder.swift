import CHvitEdge
import Foundation

/// Maps images to vectors with a `.pte` of the task "embed", for search and for comparison.
///
/// It may be used from any task or thread: images run one after another, on its own queue. It is
/// closed with its last reference. Every failure is an `HvitEdgeError`, or a `CancellationError` if
/// a task was canceled before its call.
public final class Embedder: Sendable {
    public let metadata: Metadata
    /// The number of elements of a vector.
    public let size: Int

    private let model: OpenModel

    private init(_ model: OpenModel) throws {
        self.model = model
        metadata = model.metadata
        var count = 0
        try callC { hve_embedder_size(model.handle.model, &count, $0) }
        size = count
    }

    /// Opens a file, which must not change until the embedder is closed.
    ///
    /// - Parameter threads: threads of inference for the complete process: the last call wins. 0
    ///   stands for as many as the device has fast cores.
    public static func open(_ file: URL, threads: Int = 0) async throws -> Embedder {
        try Embedder(
            await OpenModel.open { try Handle(.embedder, file, threads: threads, method: nil) })
    }

    /// Opens an artifact in memory, which is copied.
    public static func open(_ artifact: Data, threads: Int = 0) async throws -> Embedder {
        try Embedder(
            await OpenModel.open { try Handle(.embedder, artifact, threads: threads, method: nil) })
    }

    /// Returns the vector of an image; its length is 1 if the artifact normalizes by "l2".
    public func embed(_ pixels: Pixels, orientation: Orientation = .up) async throws -> [Float] {
        try await embed(orientation) { try pixels.withImage($0) }
    }

    /// Returns the cosine of the angle between two vectors of one size, -1 to 1; 0 if one of them
    /// has the length 0.
    public static func cosineSimilarity(_ one: [Float], _ other: [Float]) throws -> Float {
        guard one.count == other.count else {
            throw HvitEdgeError(
                .invalidArgument,
                "[Embedder] expected vectors of one size, got \(one.count) and \(other.count);"
                    + " compare those of one model")
        }
        return hve_cosine_similarity(one, other, one.count)
    }

    /// Runs the artifact's golden photo on this device.
    public func selfTest() async throws -> SelfTest {
        try await model.selfTest()
    }

    func embed(
        _ orientation: Orientation,
        lend: @escaping @Sendable ((inout hve_image) throws -> [Float]) throws -> [Float]
    ) async throws -> [Float] {
        let size = self.size
        return try await model.run(orientation, lend: lend) { model, image in
            var found = [Float](repeating: 0, count: size)
            var count = 0
            try callC { hve_embedder_embed(model, &image, &found, found.count, &count, $0) }
            return found
        }
    }
}
