import Foundation

extension Metadata {
    /// Reads the user-defined strings that `hvit-edge compile --target coreml` writes to a
    /// package, see docs/artifact.md.
    init(package strings: [String: String]) throws {
        guard let schema = strings["hve_schema_version"] else {
            throw HvitEdgeError(
                .invalidArtifact,
                "[CoreMLClassifier] expected a package that hvit-edge compiled, got one without its"
                    + " metadata; compile the model with --target coreml")
        }
        if let task = strings["hve_task"], task != "classify" {
            throw HvitEdgeError(
                .invalidArtifact,
                "[CoreMLClassifier] expected a package of the task classify, got one of the task"
                    + " \(task); use Core ML or Vision themselves")
        }
        guard schema == "1" else {
            throw HvitEdgeError(
                .unsupportedVersion,
                "[CoreMLClassifier] expected schema version 1, got \(schema); update the package"
                    + " HvitEdge, or compile the model again")
        }
        let fields = PackageFields(strings: strings)
        let labels = try fields.text("hve_labels")
        self.init(
            modelName: try fields.text("hve_model_name"),
            target: try fields.text("hve_target"),
            precision: try fields.text("hve_precision"),
            created: try fields.text("hve_created"),
            weightsSource: try fields.text("hve_weights_source"),
            labels: labels.isEmpty ? [] : labels.components(separatedBy: "\n"),
            preprocess: try Preprocess(fields))
    }
}

extension Preprocess {
    private static let longestSide = 1 << 14

    fileprivate init(_ fields: PackageFields) throws {
        let size: [Int] = try fields.json("hve_input_size")
        let resizeSize: Int = try fields.json("hve_resize_size")
        let (name, filter) = (try fields.text("hve_resize"), try fields.text("hve_interpolation"))
        let sides = 1...Preprocess.longestSide
        guard size.count == 2, size.allSatisfy(sides.contains) else {
            throw fields.damaged("hve_input_size")
        }
        guard let rule = Preprocess.resize(named: name, size: resizeSize) else {
            throw fields.damaged("hve_resize")
        }
        switch rule {
        case .stretch: break
        case .shortest(let shorter), .shortestFloor(let shorter), .stretchThenCrop(let shorter):
            guard shorter >= size.max()!, sides.contains(shorter) else {
                throw fields.damaged("hve_resize_size")
            }
        }
        guard let interpolation = Interpolation(rawValue: filter) else {
            throw fields.damaged("hve_interpolation")
        }
        let (mean, std): ([Double], [Double]) =
            (try fields.json("hve_mean"), try fields.json("hve_std"))
        guard mean.count == 3 else { throw fields.damaged("hve_mean") }
        guard std.count == 3 else { throw fields.damaged("hve_std") }
        self.init(
            inputHeight: size[0], inputWidth: size[1], resize: rule, interpolation: interpolation,
            mean: mean, std: std, channelOrder: try fields.text("hve_channel_order"))
    }
}

private struct PackageFields {
    let strings: [String: String]

    func text(_ key: String) throws -> String {
        guard let text = strings[key] else { throw damaged(key) }
        return text
    }

    func json<Value: Decodable>(_ key: String) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(try text(key).utf8))
        } catch is DecodingError {
            throw damaged(key)
        }
    }

    func damaged(_ key: String) -> HvitEdgeError {
        let got = strings[key].map { "'\($0.prefix(40))'" } ?? "none"
        return HvitEdgeError(
            .invalidArtifact,
            "[CoreMLClassifier] expected complete metadata, got \(key): \(got); compile the model"
                + " again")
    }
}
