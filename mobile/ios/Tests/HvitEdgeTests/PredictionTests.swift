import XCTest

@testable import HvitEdge

final class PredictionTests: XCTestCase {
    func testSoftmax() throws {
        let found = try Prediction.best(2, of: [1000, 1002, 1000], labels: ["a", "b", "c"])
        XCTAssertEqual(found.map(\.label), ["b", "a"])  // equal ones by index
        XCTAssertEqual(found[0].score, 0.786_986, accuracy: 1e-6)  // e^2 / (e^2 + 2)
        XCTAssertEqual(found[1].score, 0.106_507, accuracy: 1e-6)
        let all = try Prediction.best(.max, of: [0, 1], labels: [])
        XCTAssertEqual(all.map(\.label), ["class 1", "class 0"])
    }

    func testRefusals() async {
        for topK in [0, -1] {
            await assertRefused(.invalidArgument, "topK of at least 1, got \(topK)") {
                _ = try Prediction.best(topK, of: [1], labels: [])
            }
        }
        for logits: [Float] in [[], [.nan, 1], [.infinity, 1]] {
            await assertRefused(.executionFailed, "expected finite logits") {
                _ = try Prediction.best(1, of: logits, labels: [])
            }
        }
    }
}
