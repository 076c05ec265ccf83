import CHvitEdge
import Foundation

/// Maps images to the class of each pixel with a `.pte` of the task "segment".
///
/// It may be used from any task or thread: images run one after another, on its own queue. It is
/// closed with its last reference. Every failure is an `HvitEdgeError`, or a `CancellationError` if
/// a task was canceled before its call.
public final class Segmenter: Sendable {
    public let metadata: Metadata
    /// The color of each class: the artifact's, or those of Pascal VOC if it has none.
    public let colors: [MaskColor]

    private let model: OpenModel

    private init(_ model: OpenModel) throws {
        self.model = model
        metadata = model.metadata
        let segmenter = model.handle.model
        var classes = 0
        try callC { hve_segmenter_class_count(segmenter, &classes, $0) }
        var bytes = [UInt8](repeating: 0, count: 3 * classes)
        var count = 0
        try callC { hve_segmenter_colors(segmenter, &bytes, bytes.count, &count, $0) }
        colors = stride(from: 0, to: count, by: 3).map {
            MaskColor(red: bytes[$0], green: bytes[$0 + 1], blue: bytes[$0 + 2])
        }
    }

    /// Opens a file, which must not change until the segmenter is closed.
    ///
    /// - Parameter threads: threads of inference for the complete process: the last call wins. 0
    ///   stands for as many as the device has fast cores.
    public static func open(_ file: URL, threads: Int = 0) async throws -> Segmenter {
        try Segmenter(
            await OpenModel.open { try Handle(.segmenter, file, threads: threads, method: nil) })
    }

    /// Opens an artifact in memory, which is copied.
    public static func open(_ artifact: Data, threads: Int = 0) async throws -> Segmenter {
        try Segmenter(
            await OpenModel.open { try Handle(.segmenter, artifact, threads: threads, method: nil) })
    }

    /// Returns the most probable class of each pixel of the image as it is stored, so that the mask
    /// overlays its memory. Pixels that the crop of the preprocessing cuts off have the class 0 and
    /// the confidence 0.
    public func segment(
        _ pixels: Pixels, orientation: Orientation = .up, confidence: Bool = false
    ) async throws -> Mask {
        try await segment(orientation, confidence) { try pixels.withImage($0) }
    }

    /// Runs the artifact's golden photo on this device.
    public func selfTest() async throws -> SelfTest {
        try await model.selfTest()
    }

    func segment(
        _ orientation: Orientation, _ withConfidence: Bool,
        lend: @escaping @Sendable ((inout hve_image) throws -> Mask) throws -> Mask
    ) async throws -> Mask {
        try await model.run(orientation, lend: lend) { model, image in
            // Asks for the size first, which checks the image.
            var count = 0
            try callC { hve_segmenter_segment(model, &image, nil, 0, nil, 0, &count, $0) }
            var classes = [UInt8](repeating: 0, count: count)
            var confidence = [Float](repeating: 0, count: withConfidence ? count : 0)
            try callC { reason in
                confidence.withUnsafeMutableBufferPointer { sure in
                    hve_segmenter_segment(
                        model, &image, &classes, classes.count,
                        withConfidence ? sure.baseAddress : nil, sure.count, &count, reason)
                }
            }
            return Mask(
                width: Int(image.width), height: Int(image.height), classes: classes,
                confidence: confidence)
        }
    }
}
