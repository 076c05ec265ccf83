#if os(Linux)
    import Foundation
    import XCTest

    @testable import HvitEdge

    final class LeakTests: XCTestCase {
        private func residentKilobytes() throws -> Int {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return try XCTUnwrap(line.flatMap { Int($0.filter(\.isNumber)) })
        }

        private func openAndClassify(times: Int, _ artifact: Data) async throws {
            for _ in 0..<times {
                let classifier = try await Classifier.open(artifact)
                _ = try await classifier.classify(Fixture.rgb(), topK: 1)
            }
        }

        /// 300 classifiers that stay open hold over 20 MB.
        func testForgottenClassifiersAreClosed() async throws {
            let artifact = try Data(contentsOf: Fixture.tiny)
            try await openAndClassify(times: 300, artifact)
            let before = try residentKilobytes()
            try await openAndClassify(times: 300, artifact)
            XCTAssertLessThan(try residentKilobytes() - before, 10_000)
        }
    }
#endif
