import Foundation
import XCTest

@testable import HvitEdge

final class ClassifierTests: XCTestCase {
    /// PyTorch's result for the golden photo is in the artifact.
    func testAgreesWithPyTorch() async throws {
        let result = try await Fixture.open().selfTest()
        XCTAssertTrue(result.passed)
        XCTAssertTrue(result.top1Agree)
        XCTAssertLessThan(result.maxRel, 1e-4)
    }

    /// `hvit_edge_runner classify` is C++ without the C interface.
    func testAgreesWithTheRunner() async throws {
        guard let runner = ProcessInfo.processInfo.environment["HVIT_EDGE_RUNNER"] else {
            throw XCTSkip("HVIT_EDGE_RUNNER names no hvit_edge_runner")
        }
        let (width, height) = (60, 50)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("swift.ppm")
        try (Data("P6\n\(width) \(height)\n255\n".utf8) + Data(Fixture.photo(width, height)))
            .write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: runner)
        process.arguments = [
            "classify", Fixture.tiny.path, file.path, "--top-k", "7",
        ]
        process.standardOutput = output
        try process.run()
        let json = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()

        struct Answer: Decodable {
            struct Found: Decodable {
                let index: Int
                let label: String
                let score: Double
            }
            let predictions: [Found]
        }
        let expected = try JSONDecoder().decode(Answer.self, from: json).predictions
        let found = try await Fixture.open().classify(Fixture.rgb(width, height), topK: 7)
        XCTAssertEqual(found.map(\.index), expected.map(\.index))
        XCTAssertEqual(found.map(\.label), expected.map(\.label))
        for (ours, theirs) in zip(found, expected) {
            XCTAssertEqual(Double(ours.score), theirs.score, accuracy: 1e-6)
        }
    }

    func testReadsMetadata() async throws {
        let classifier = try await Fixture.open()
        let metadata = classifier.metadata
        XCTAssertEqual(classifier.classCount, Fixture.classes)
        XCTAssertEqual(metadata.labels.count, Fixture.classes)
        XCTAssertEqual(metadata.target, "native")
        XCTAssertEqual(metadata.precision, "fp32")
        XCTAssertEqual(metadata.preprocess.mean.count, 3)
        XCTAssertEqual(metadata.preprocess.std.count, 3)
        XCTAssertGreaterThan(metadata.preprocess.inputWidth, 0)
        XCTAssertEqual(Classifier.version.split(separator: ".").count, 3)
        for found in try await classifier.classify(Fixture.rgb(), topK: 7) {
            XCTAssertEqual(found.label, metadata.labels[found.index])
        }
    }

    func testOpensMemory() async throws {
        var bytes = try Data(contentsOf: Fixture.tiny)
        let fromMemory = try await Classifier.open(bytes)
        bytes.resetBytes(in: 0..<bytes.count)
        let expected = try await Fixture.open().classify(Fixture.rgb())
        let found = try await fromMemory.classify(Fixture.rgb())
        XCTAssertEqual(found, expected)
    }

    func testGivesAsManyAsAskedFor() async throws {
        let classifier = try await Fixture.open()
        let all = try await classifier.classify(Fixture.rgb(), topK: .max)
        XCTAssertEqual(all.count, Fixture.classes)
        XCTAssertEqual(all.map(\.score).reduce(0, +), 1, accuracy: 1e-5)
        XCTAssertEqual(all.map(\.score), all.map(\.score).sorted(by: >))
        let two = try await classifier.classify(Fixture.rgb(), topK: 2)
        XCTAssertEqual(two, Array(all.prefix(2)))
        for topK in [0, -1, .min] {
            await assertRefused(.invalidArgument, "expected top_k of at least 1") {
                _ = try await classifier.classify(Fixture.rgb(), topK: topK)
            }
        }
    }

    func testReadsEveryFormat() async throws {
        let classifier = try await Fixture.open()
        let (width, height, gap) = (60, 50, 3)
        let photo = Fixture.photo(width, height)
        let expected = try await classifier.classify(Fixture.rgb(width, height))
        for (format, order) in [(Pixels.Format.rgba, [0, 1, 2]), (.bgra, [2, 1, 0])] {
            let stride = 4 * width + gap
            var bytes = [UInt8](repeating: 9, count: stride * height)
            for at in 0..<width * height {
                for channel in 0..<3 {
                    bytes[at / width * stride + at % width * 4 + channel] =
                        photo[3 * at + order[channel]]
                }
            }
            let pixels = Pixels(
                Data(bytes), width: width, height: height, format: format, rowStride: stride)
            let found = try await classifier.classify(pixels)
            XCTAssertEqual(found, expected)
        }
        let gray = Data((0..<width * height).map { photo[$0] })
        let repeated = Data(gray.flatMap { [$0, $0, $0] })
        let fromGray = try await classifier.classify(
            Pixels(gray, width: width, height: height, format: .gray))
        let fromRGB = try await classifier.classify(
            Pixels(repeated, width: width, height: height, format: .rgb))
        XCTAssertEqual(fromGray, fromRGB)
    }

    /// EXIF's eight orientations, by the place of the stored row and column 0 in the upright image.
    func testTurnsAndMirrors() async throws {
        let classifier = try await Fixture.open()
        let (width, height) = (60, 50)
        let photo = Fixture.photo(width, height)
        let upright = try await classifier.classify(Fixture.rgb(width, height), topK: 7)
        var answers = Set<Float>()
        for orientation in Orientation.allCases {
            let swapped = orientation.rawValue >= 5
            let (storedWidth, storedHeight) = swapped ? (height, width) : (width, height)
            var stored = [UInt8](repeating: 0, count: photo.count)
            for y in 0..<storedHeight {
                for x in 0..<storedWidth {
                    let (left, top) = (x, y)
                    let (right, bottom) = (storedWidth - 1 - x, storedHeight - 1 - y)
                    let (column, row): (Int, Int)
                    switch orientation {
                    case .up: (column, row) = (left, top)
                    case .upMirrored: (column, row) = (right, top)
                    case .down: (column, row) = (right, bottom)
                    case .downMirrored: (column, row) = (left, bottom)
                    case .leftMirrored: (column, row) = (top, left)
                    case .right: (column, row) = (bottom, left)
                    case .rightMirrored: (column, row) = (bottom, right)
                    case .left: (column, row) = (top, right)
                    }
                    for channel in 0..<3 {
                        stored[3 * (y * storedWidth + x) + channel] =
                            photo[3 * (row * width + column) + channel]
                    }
                }
            }
            let pixels = Pixels(
                Data(stored), width: storedWidth, height: storedHeight, format: .rgb)
            let found = try await classifier.classify(pixels, orientation: orientation, topK: 7)
            XCTAssertEqual(found, upright, "\(orientation)")
            let unturned = try await classifier.classify(pixels, topK: 1)
            answers.insert(unturned[0].score)
        }
        XCTAssertGreaterThan(answers.count, 4, "the photo tells orientations apart")
    }

    func testServesManyTasks() async throws {
        let classifier = try await Fixture.open()
        let expected = try await classifier.classify(Fixture.rgb())
        try await withThrowingTaskGroup(of: [Prediction].self) { group in
            for _ in 0..<32 {
                group.addTask { try await classifier.classify(Fixture.rgb()) }
            }
            for try await found in group { XCTAssertEqual(found, expected) }
        }
    }

    func testIsClosedWithItsLastReference() async throws {
        weak var forgotten: Classifier?
        do {
            let classifier = try await Fixture.open()
            forgotten = classifier
            _ = try await classifier.classify(Fixture.rgb())
        }
        // The queue releases the closure of the last call by itself.
        for _ in 0..<1_000_000 where forgotten != nil { await Task.yield() }
        XCTAssertNil(forgotten)
    }

    func testACancelledTaskIsNotServed() async throws {
        let classifier = try await Fixture.open()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await classifier.classify(Fixture.rgb())
        }
        let result = await task.result
        XCTAssertThrowsError(try result.get()) { XCTAssertTrue($0 is CancellationError) }
    }
}
