import CHvitEdge
import Foundation

/// Classifies images with a `.pte` that the C++ library runs.
///
/// It may be used from any task or thread: images are classified one after another, on the
/// classifier's own queue. It is closed with its last reference. Every failure is an
/// `HvitEdgeError`, or a `CancellationError` if a task was canceled before its call.
public final class Classifier: Sendable {
    public let metadata: Metadata
    public let classCount: Int

    private let model: OpenModel

    private init(_ model: OpenModel) throws {
        self.model = model
        metadata = model.metadata
        var count = 0
        try callC { hve_classifier_class_count(model.handle.model, &count, $0) }
        classCount = count
    }

    /// The version of the C++ library, such as "0.1.0".
    public static var version: String { String(cString: hve_version()) }

    /// Opens a file, which must not change until the classifier is closed.
    ///
    /// - Parameters:
    ///   - threads: threads of inference for the complete process: the last call wins. 0 stands for
    ///     as many as the device has fast cores.
    ///   - method: one of `Metadata.methods`; nil lets each image choose the one that crops the
    ///     least of it.
    public static func open(
        _ file: URL, threads: Int = 0, method: String? = nil
    ) async throws -> Classifier {
        try Classifier(
            await OpenModel.open {
                try Handle(.classifier, file, threads: threads, method: method)
            })
    }

    /// Opens an artifact in memory, which is copied.
    public static func open(
        _ artifact: Data, threads: Int = 0, method: String? = nil
    ) async throws -> Classifier {
        try Classifier(
            await OpenModel.open {
                try Handle(.classifier, artifact, threads: threads, method: method)
            })
    }

    /// Returns the `topK` most probable classes, or all if there are fewer, the best first.
    public func classify(
        _ pixels: Pixels, orientation: Orientation = .up, topK: Int = 5
    ) async throws -> [Prediction] {
        try await classify(orientation, topK) { try pixels.withImage($0) }
    }

    /// Runs the artifact's golden photo on this device.
    public func selfTest() async throws -> SelfTest {
        try await model.selfTest()
    }

    func classify(
        _ orientation: Orientation, _ topK: Int,
        lend: @escaping @Sendable ((inout hve_image) throws -> [Prediction]) throws -> [Prediction]
    ) async throws -> [Prediction] {
        let classCount = self.classCount
        return try await model.run(orientation, lend: lend) { model, image in
            var found = [hve_prediction](repeating: hve_prediction(), count: classCount)
            var count = 0
            try callC {
                hve_classifier_classify(
                    model, &image, Int32(clamping: topK), &found, found.count, &count, $0)
            }
            return found.prefix(count).map {
                Prediction(label: String(cString: $0.label), index: Int($0.index), score: $0.score)
            }
        }
    }
}
