import XCTest

@testable import HvitEdge

final class PackageMetadataTests: XCTestCase {
    private func refuse(
        _ status: HvitEdgeError.Status, _ part: String, _ strings: [String: String]
    ) async {
        await assertRefused(status, part) { _ = try Metadata(package: strings) }
    }

    func testReadsWhatTheCompilerWrites() throws {
        let metadata = try Metadata(package: Fixture.reference().package)
        XCTAssertEqual(
            metadata,
            Metadata(
                modelName: "tiny", target: "coreml", precision: "fp16",
                created: "2026-11-21T10:00:00Z", weightsSource: "random",
                labels: ["cat", "dog", "Käse"],
                preprocess: Preprocess(
                    inputHeight: 16, inputWidth: 24, resize: .shortest(28),
                    interpolation: .bilinear, mean: [0.5, 0.4, 0.3], std: [1, 0.5, 0.25],
                    channelOrder: "RGB")))
    }

    func testReadsPackagesWithoutLabels() throws {
        var strings = try Fixture.reference().package
        strings["hve_labels"] = ""
        strings["hve_resize"] = "stretch"
        strings["hve_resize_size"] = "0"
        let metadata = try Metadata(package: strings)
        XCTAssertEqual(metadata.labels, [])
        XCTAssertEqual(metadata.preprocess.resize, .stretch)
    }

    func testReadsEveryRuleOfTheResize() throws {
        var strings = try Fixture.reference().package
        strings["hve_interpolation"] = "lanczos"
        for (name, rule) in [
            ("shortest-floor", Preprocess.Resize.shortestFloor(28)),
            ("stretch", .stretchThenCrop(28)),
        ] {
            strings["hve_resize"] = name
            strings["hve_resize_size"] = "28"
            let preprocess = try Metadata(package: strings).preprocess
            XCTAssertEqual(preprocess.resize, rule)
            XCTAssertEqual(preprocess.interpolation, .lanczos)
        }
    }

    func testRefusesWhatIsNotOurs() async throws {
        await refuse(.invalidArtifact, "expected a package that hvit-edge compiled", [:])
        var strings = try Fixture.reference().package
        strings["hve_schema_version"] = "2"
        await refuse(.unsupportedVersion, "expected schema version 1, got 2", strings)
        strings["hve_task"] = "segment"
        await refuse(.invalidArtifact, "got one of the task segment; use Core ML", strings)
    }

    func testRefusesEveryDamagedField() async throws {
        let whole = try Fixture.reference().package
        for key in [
            "hve_model_name", "hve_target", "hve_precision", "hve_created", "hve_weights_source",
            "hve_labels", "hve_input_size", "hve_resize", "hve_resize_size", "hve_interpolation",
            "hve_mean", "hve_std", "hve_channel_order",
        ] {
            var strings = whole
            strings[key] = nil
            await refuse(.invalidArtifact, "got \(key): none", strings)
        }
        for (key, value) in [
            ("hve_input_size", "[16]"), ("hve_input_size", "[0, 16]"), ("hve_input_size", "16"),
            ("hve_input_size", "[16, 99999]"), ("hve_input_size", "[16, 24"),
            ("hve_resize", "longest"), ("hve_resize_size", "23"), ("hve_resize_size", "99999"),
            ("hve_interpolation", "nearest"), ("hve_mean", "[1, 2]"), ("hve_std", "[]"),
        ] {
            var strings = whole
            strings[key] = value
            await refuse(.invalidArtifact, "got \(key): '\(value)'", strings)
        }
        var strings = whole
        strings["hve_resize"] = "stretch"
        strings["hve_resize_size"] = "23"  // the crop is 24 wide
        await refuse(.invalidArtifact, "got hve_resize_size: '23'", strings)
    }
}
