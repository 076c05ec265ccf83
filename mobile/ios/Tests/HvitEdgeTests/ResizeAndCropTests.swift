import XCTest

@testable import HvitEdge

final class ResizeAndCropTests: XCTestCase {
    /// The bytes must be Pillow's.
    func testEqualsPillow() throws {
        let cases = try Fixture.reference().resizes
        XCTAssertGreaterThan(cases.count, 5)
        var orders = Set<Bool>()
        for expected in cases {
            let preprocess = Preprocess(
                inputHeight: expected.input[0], inputWidth: expected.input[1],
                resize: try XCTUnwrap(
                    Preprocess.resize(named: expected.resize, size: expected.resizeSize)),
                interpolation: try XCTUnwrap(
                    Preprocess.Interpolation(rawValue: expected.interpolation)),
                mean: [], std: [], channelOrder: "RGB")
            let photo = Fixture.photo(expected.width, expected.height)
            let pixels = stride(from: 0, to: photo.count, by: 3)
                .flatMap { photo[$0..<$0 + 3] + [7] }
            let found = try preprocess.resizeAndCrop(
                pixels, width: expected.width, height: expected.height)
            XCTAssertEqual(
                stride(from: 0, to: found.count, by: 4).flatMap { found[$0..<$0 + 3] },
                Array(expected.pixels), "\(expected.width)x\(expected.height)")
            XCTAssertTrue(stride(from: 3, to: found.count, by: 4).allSatisfy { found[$0] == 255 })
            let plan = try ResizePlan(preprocess, width: expected.width, height: expected.height)
            orders.insert(plan.rowsFirst)
        }
        XCTAssertEqual(orders, [true, false], "both orders of the passes are compared")
    }

    func testRefusals() async {
        let preprocess = Preprocess(
            inputHeight: 16, inputWidth: 16, resize: .shortest(16), interpolation: .bicubic,
            mean: [], std: [], channelOrder: "RGB")
        await assertRefused(.invalidArgument, "expected 4 bytes a pixel, got 7 for 2x1") {
            _ = try preprocess.resizeAndCrop([UInt8](repeating: 0, count: 7), width: 2, height: 1)
        }
        await assertRefused(.invalidArgument, "expected 4 bytes a pixel") {
            _ = try preprocess.resizeAndCrop([], width: 0, height: 0)
        }
        await assertRefused(.invalidArgument, "less elongated") {
            _ = try ResizePlan(preprocess, width: 1 << 30, height: 1)
        }
    }
}
