import Foundation
import XCTest

@testable import HvitEdge

/// The artifacts of make_tasks.py, whose answers to images of a few colors are known.
final class TaskTests: XCTestCase {
    private static let width = 96
    private static let height = 128
    private let embed = Fixture.artifact("native_embed_v2.pte")
    private let segment = Fixture.artifact("native_segment_v2.pte")
    private let detect = Fixture.artifact("native_detect_v2.pte")

    /// Gray, red in the upper left, blue in the lower right, as color_frame.h in C++.
    private func colors() -> Pixels {
        var bytes = [UInt8](repeating: 128, count: 3 * Self.width * Self.height)
        for y in 0..<Self.height {
            for x in 0..<Self.width {
                let at = 3 * (y * Self.width + x)
                if x < 32 && y < 64 { bytes.replaceSubrange(at..<at + 3, with: [255, 0, 0]) }
                if x >= 32 && y >= 96 { bytes.replaceSubrange(at..<at + 3, with: [0, 0, 255]) }
            }
        }
        return Pixels(Data(bytes), width: Self.width, height: Self.height, format: .rgb)
    }

    private func oneColor(_ color: [UInt8]) -> Pixels {
        let bytes = (0..<64).flatMap { _ in color }
        return Pixels(Data(bytes), width: 8, height: 8, format: .rgb)
    }

    private func pixel(_ x: Int, _ y: Int, of overlay: [UInt8]) -> [UInt8] {
        let at = 4 * (y * Self.width + x)
        return Array(overlay[at..<at + 4])
    }

    func testEmbeds() async throws {
        let embedder = try await Embedder.open(embed)
        XCTAssertEqual(embedder.size, 5)
        XCTAssertEqual(embedder.metadata.task, "embed")
        let red = try await embedder.embed(oneColor([255, 0, 0]))
        let features: [Float] = [2.5, -1.5, -1.5, 0.5, -1.5]
        for (value, feature) in zip(red, features) {
            XCTAssertEqual(value, feature / Float(13.25).squareRoot(), accuracy: 1e-5)
        }
        let green = try await embedder.embed(oneColor([0, 255, 0]))
        let product = zip(red, green).map { $0 * $1 }.reduce(0, +)
        XCTAssertEqual(try Embedder.cosineSimilarity(red, green), product, accuracy: 1e-6)
        XCTAssertEqual(try Embedder.cosineSimilarity(red, red), 1, accuracy: 1e-6)
        await assertRefused(.invalidArgument, "expected vectors of one size, got 5 and 4") {
            _ = try Embedder.cosineSimilarity(red, [1, 2, 3, 4])
        }
        let proof = try await embedder.selfTest()
        XCTAssertTrue(proof.passed)
    }

    func testSegments() async throws {
        let segmenter = try await Segmenter.open(Data(contentsOf: segment))
        XCTAssertEqual(segmenter.metadata.labels, ["background", "red", "green", "blue"])
        XCTAssertEqual(segmenter.colors[3], MaskColor(red: 0, green: 0, blue: 255))
        let mask = try await segmenter.segment(colors(), orientation: .downMirrored)
        XCTAssertEqual([mask.width, mask.height], [Self.width, Self.height])
        XCTAssertEqual([mask[4, 4], mask[90, 4], mask[90, 120]], [1, 0, 3])
        XCTAssertTrue(mask.confidence.isEmpty)
        let overlay = mask.overlayBytes(colors: segmenter.colors)
        XCTAssertEqual(pixel(4, 4, of: overlay), [127, 0, 0, 127])
        XCTAssertEqual(pixel(90, 4, of: overlay), [0, 0, 0, 0])
        let sure = try await segmenter.segment(colors(), confidence: true)
        XCTAssertEqual(sure.confidence.count, sure.classes.count)
        XCTAssertGreaterThan(sure.confidence[4 * Self.width + 4], 0.9)
        let proof = try await segmenter.selfTest()
        XCTAssertTrue(proof.passed)
    }

    func testDetects() async throws {
        let detector = try await Detector.open(detect)
        let found = try await detector.detect(colors())
        XCTAssertEqual(found.count, 4)
        for box in found {
            XCTAssertEqual(box.label, box.index == 1 ? "red" : "blue")
            XCTAssertGreaterThan(box.score, 0.9)
            XCTAssertEqual(Double(box.width), 32 * exp(-0.2), accuracy: 0.01)
        }
        let two = try await detector.detect(colors(), options: DetectOptions(maxDetections: 2))
        XCTAssertEqual(two, Array(found.prefix(2)))
        let none = try await detector.detect(oneColor([128, 128, 128]))
        XCTAssertTrue(none.isEmpty)
        await assertRefused(.invalidArgument, "expected a threshold of the score from 0 to 1") {
            _ = try await detector.detect(
                self.colors(), options: DetectOptions(scoreThreshold: -0.5))
        }
        await assertRefused(.invalidArgument, "expected at least 1 of the detections, got 0") {
            _ = try await detector.detect(self.colors(), options: DetectOptions(maxDetections: 0))
        }
    }

    func testRefusesOtherTasksByTheirNames() async throws {
        await assertRefused(.invalidArtifact, "got one of the task embed; use Embedder") {
            _ = try await Classifier.open(self.embed)
        }
        await assertRefused(.invalidArtifact, "got one of the task detect; use Detector") {
            _ = try await Segmenter.open(self.detect)
        }
        await assertRefused(.invalidArtifact, "got one of the task classify; use Classifier") {
            _ = try await Detector.open(Fixture.tiny)
        }
    }

    func testOpensEachTask() async throws {
        guard case .classifier = try await AnyModel.open(Fixture.tiny),
            case .embedder = try await AnyModel.open(embed),
            case .segmenter = try await AnyModel.open(segment),
            case .detector = try await AnyModel.open(detect)
        else { return XCTFail("expected the class of each task") }
        await assertRefused(.invalidArtifact, "got one of the task tensor") {
            _ = try await AnyModel.open(Fixture.artifact("native_tensors_v2.pte"))
        }
        await assertRefused(.invalidArgument, "no such file") {
            _ = try await AnyModel.open(Fixture.artifact("none.pte"))
        }
    }
}
