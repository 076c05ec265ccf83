import CHvitEdge
import Foundation

/// Maps images to boxes around objects with a `.pte` of the task "detect".
///
/// It may be used from any task or thread: images run one after another, on its own queue. It is
/// closed with its last reference. Every failure is an `HvitEdgeError`, or a `CancellationError` if
/// a task was canceled before its call.
public final class Detector: Sendable {
    public let metadata: Metadata

    private let model: OpenModel

    private init(_ model: OpenModel) {
        self.model = model
        metadata = model.metadata
    }

    /// Opens a file, which must not change until the detector is closed.
    ///
    /// - Parameter threads: threads of inference for the complete process: the last call wins. 0
    ///   stands for as many as the device has fast cores.
    public static func open(_ file: URL, threads: Int = 0) async throws -> Detector {
        Detector(
            try await OpenModel.open { try Handle(.detector, file, threads: threads, method: nil) })
    }

    /// Opens an artifact in memory, which is copied.
    public static func open(_ artifact: Data, threads: Int = 0) async throws -> Detector {
        Detector(
            try await OpenModel.open {
                try Handle(.detector, artifact, threads: threads, method: nil)
            })
    }

    /// Returns the objects, the best first; an empty array if there are none.
    public func detect(
        _ pixels: Pixels, orientation: Orientation = .up, options: DetectOptions = DetectOptions()
    ) async throws -> [Detection] {
        try await detect(orientation, options) { try pixels.withImage($0) }
    }

    /// Runs the artifact's golden photo on this device.
    public func selfTest() async throws -> SelfTest {
        try await model.selfTest()
    }

    func detect(
        _ orientation: Orientation, _ options: DetectOptions,
        lend: @escaping @Sendable ((inout hve_image) throws -> [Detection]) throws -> [Detection]
    ) async throws -> [Detection] {
        let given = try options.checked()
        return try await model.run(orientation, lend: lend) { model, image in
            var given = given
            var count = 0
            try callC { hve_detector_max_detections(model, &given, &count, $0) }
            var found = [hve_detection](repeating: hve_detection(), count: count)
            try callC {
                hve_detector_detect(model, &image, &given, &found, found.count, &count, $0)
            }
            return found.prefix(count).map {
                Detection(
                    label: String(cString: $0.label), index: Int($0.index), score: $0.score,
                    x: $0.x, y: $0.y, width: $0.width, height: $0.height)
            }
        }
    }
}

extension DetectOptions {
    /// Returns the options of C. Refuses values that would mean those of the artifact there.
    func checked() throws -> hve_detect_options {
        for (name, value) in [("score", scoreThreshold), ("IoU", iouThreshold)] {
            if let value, !(0...1).contains(value) {
                throw HvitEdgeError(
                    .invalidArgument,
                    "[Detector] expected a threshold of the \(name) from 0 to 1, got \(value);"
                        + " nil is the artifact's")
            }
        }
        for (name, value) in [("candidates", candidates), ("detections", maxDetections)] {
            if let value, !(1...Int(Int32.max)).contains(value) {
                throw HvitEdgeError(
                    .invalidArgument,
                    "[Detector] expected at least 1 of the \(name), got \(value); nil is the"
                        + " artifact's")
            }
        }
        var options = hvit_edge_detect_options()
        options.score_threshold = scoreThreshold ?? options.score_threshold
        options.iou_threshold = iouThreshold ?? options.iou_threshold
        options.candidates = Int32(candidates ?? 0)
        options.max_detections = Int32(maxDetections ?? 0)
        return options
    }
}
