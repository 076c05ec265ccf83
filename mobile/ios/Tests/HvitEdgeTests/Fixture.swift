import Foundation
import XCTest

@testable import HvitEdge

/// The artifacts of the C++ tests, pixels for them, and Python's results.
enum Fixture {
    static let classes = 7
    /// A program of the native backend, which every build runs.
    static let tiny = artifact("tiny_native_v1.pte")

    static func artifact(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("artifacts/\(name)")
    }

    static func open() async throws -> Classifier {
        try await Classifier.open(tiny)
    }

    /// Returns `photo` of make_reference.py, with three bytes a pixel.
    static func photo(_ width: Int, _ height: Int) -> [UInt8] {
        (0..<3 * width * height).map { UInt8($0 * $0 * 7 % 1013 % 256) }
    }

    static func rgb(_ width: Int = 60, _ height: Int = 50) -> Pixels {
        Pixels(Data(photo(width, height)), width: width, height: height, format: .rgb)
    }

    static func reference() throws -> Reference {
        let file = Bundle.module.url(forResource: "reference", withExtension: "json")
        return try JSONDecoder().decode(
            Reference.self, from: Data(contentsOf: XCTUnwrap(file)))
    }
}

struct Reference: Decodable {
    struct Resized: Decodable {
        let width: Int
        let height: Int
        let input: [Int]
        let resize: String
        let resizeSize: Int
        let interpolation: String
        let pixels: Data
    }

    let resizes: [Resized]
    let package: [String: String]
}

/// Asserts that the call is refused with this status and a sentence that has this part.
func assertRefused(
    _ status: HvitEdgeError.Status, _ part: String, file: StaticString = #filePath,
    line: UInt = #line, _ call: () async throws -> Void
) async {
    do {
        try await call()
        XCTFail("expected a refusal", file: file, line: line)
    } catch let refusal as HvitEdgeError {
        XCTAssertEqual(refusal.status, status, refusal.message, file: file, line: line)
        XCTAssertTrue(refusal.message.contains(part), refusal.message, file: file, line: line)
        XCTAssertEqual(refusal.localizedDescription, refusal.message, file: file, line: line)
    } catch {
        XCTFail("expected an HvitEdgeError, got \(error)", file: file, line: line)
    }
}
