import Foundation
import XCTest

@testable import HvitEdge

final class RefusalTests: XCTestCase {
    func testFiles() async throws {
        await assertRefused(.invalidArgument, "no such file") {
            _ = try await Classifier.open(URL(fileURLWithPath: "/none äö😀.pte"))
        }
        await assertRefused(.invalidArgument, "expected the URL of a file") {
            _ = try await Classifier.open(XCTUnwrap(URL(string: "https://example.com/a.pte")))
        }
        await assertRefused(.invalidArtifact, "use Session for other models") {
            _ = try await Classifier.open(Fixture.artifact("two_outputs_native_v1.pte"))
        }
    }

    /// The runtime that the package compiles has no XNNPACK.
    func testAnotherTarget() async throws {
        let other = ["HVIT_EDGE_LIBRARY", "HVIT_EDGE_XCFRAMEWORK"]
        let environment = ProcessInfo.processInfo.environment
        guard other.allSatisfy({ environment[$0] == nil }) else {
            throw XCTSkip("the full runtime is linked")
        }
        await assertRefused(.missingBackend, "compile the model for the target native") {
            _ = try await Classifier.open(Fixture.artifact("tiny_v1.pte"))
        }
    }

    func testMemory() async throws {
        let artifact = try Data(contentsOf: Fixture.tiny)
        await assertRefused(.invalidArtifact, "expected") {
            _ = try await Classifier.open(artifact.dropLast(40))
        }
        await assertRefused(.invalidArgument, "expected an artifact in memory") {
            _ = try await Classifier.open(Data())
        }
        var altered = artifact
        altered[artifact.count / 2] ^= 1
        await assertRefused(.invalidArtifact, "expected") {
            _ = try await Classifier.open(altered)
        }
    }

    func testThreads() async throws {
        for threads in [-1, 1025, .max, .min] {
            await assertRefused(.invalidArgument, "threads") {
                _ = try await Classifier.open(Fixture.tiny, threads: threads)
            }
        }
    }

    func testImages() async throws {
        let classifier = try await Fixture.open()
        let bytes = Data(count: 4 * 8 * 8)
        for (part, pixels) in [
            ("width", Pixels(bytes, width: 0, height: 8)),
            ("height", Pixels(bytes, width: 8, height: .max)),
            ("plane 0: expected 9 rows", Pixels(bytes, width: 8, height: 9)),
            ("stride", Pixels(bytes, width: 8, height: 8, rowStride: 31)),
            ("row stride of at least 0", Pixels(bytes, width: 8, height: 8, rowStride: -32)),
            ("expected", Pixels(Data(), width: 8, height: 8)),
        ] {
            await assertRefused(.invalidArgument, part) {
                _ = try await classifier.classify(pixels)
            }
        }
    }
}
