#if canImport(CoreML) && canImport(CoreImage)
    import CoreImage
    import CoreML
    import CoreVideo
    import Foundation

    /// Classifies images with a package of `hvit-edge compile --target coreml` that Core ML runs.
    ///
    /// Photos are resized and cropped by the rule in the package's metadata, as Pillow does it.
    /// Mean and deviation are inside the program. It may be used from any task or thread.
    public final class CoreMLClassifier: @unchecked Sendable {
        public let metadata: Metadata

        private let model: MLModel
        private let context = CIContext(
            options: [.workingColorSpace: NSNull(), .outputColorSpace: NSNull()])
        private let work: SerialWork

        private init(_ model: MLModel, _ metadata: Metadata, _ work: SerialWork) {
            self.model = model
            self.metadata = metadata
            self.work = work
        }

        /// Opens an `.mlmodelc`, or compiles an `.mlpackage` first, which takes seconds.
        ///
        /// - Parameter computeUnits: nil uses the hint in the package.
        public static func open(
            _ file: URL, computeUnits: MLComputeUnits? = nil
        ) async throws -> CoreMLClassifier {
            let work = SerialWork()
            return try await work.run {
                guard FileManager.default.fileExists(atPath: file.path) else {
                    throw HvitEdgeError(
                        .invalidArgument,
                        "[CoreMLClassifier] expected a package, got no such file: \(file.path);"
                            + " check the path")
                }
                guard file.pathExtension == "mlpackage" else {
                    return try load(file, computeUnits, work)
                }
                let compiled = try translated { try MLModel.compileModel(at: file) }
                defer { try? FileManager.default.removeItem(at: compiled) }
                return try load(compiled, computeUnits, work)
            }
        }

        /// Returns the `topK` most probable classes, or all if there are fewer, the best first.
        public func classify(
            _ buffer: CVPixelBuffer, orientation: Orientation = .up, topK: Int = 5
        ) async throws -> [Prediction] {
            let lent = Lent(value: buffer)
            return try await work.run {
                let input = try self.input(lent.value, orientation)
                let output = try translated { try self.model.prediction(from: input) }
                guard let logits = output.featureValue(for: "logits")?.multiArrayValue else {
                    throw HvitEdgeError(
                        .invalidArtifact,
                        "[CoreMLClassifier] expected the output logits, got none; compile the"
                            + " model again")
                }
                let values = (0..<logits.count).map { logits[$0].floatValue }
                return try Prediction.best(topK, of: values, labels: self.metadata.labels)
            }
        }

        private static func load(
            _ compiled: URL, _ computeUnits: MLComputeUnits?, _ work: SerialWork
        ) throws -> CoreMLClassifier {
            var model = try translated { try MLModel(contentsOf: compiled) }
            let written = model.modelDescription.metadata[.creatorDefinedKey]
            let strings = written as? [String: String] ?? [:]
            let metadata = try Metadata(package: strings)
            let units = computeUnits ?? hinted[strings["hve_compute_units"] ?? "all"] ?? .all
            if units != .all {
                let configuration = MLModelConfiguration()
                configuration.computeUnits = units
                model = try translated {
                    try MLModel(contentsOf: compiled, configuration: configuration)
                }
            }
            return CoreMLClassifier(model, metadata, work)
        }

        private static let hinted: [String: MLComputeUnits] = [
            "all": .all, "cpu": .cpuOnly, "cpu-gpu": .cpuAndGPU, "cpu-ne": .cpuAndNeuralEngine,
        ]

        private func input(
            _ buffer: CVPixelBuffer, _ orientation: Orientation
        ) throws -> MLDictionaryFeatureProvider {
            let upright = CIImage(cvPixelBuffer: buffer)
                .oriented(CGImagePropertyOrientation(rawValue: orientation.rawValue) ?? .up)
            let (width, height) = (Int(upright.extent.width), Int(upright.extent.height))
            var pixels = [UInt8](repeating: 0, count: 4 * width * height)
            pixels.withUnsafeMutableBytes {
                context.render(
                    upright, toBitmap: $0.baseAddress!, rowBytes: 4 * width,
                    bounds: upright.extent, format: .BGRA8, colorSpace: nil)
            }
            let preprocess = metadata.preprocess
            let resized = try preprocess.resizeAndCrop(pixels, width: width, height: height)
            let image = try pixelBuffer(
                bgra: resized, width: preprocess.inputWidth, height: preprocess.inputHeight)
            return try MLDictionaryFeatureProvider(
                dictionary: ["image": MLFeatureValue(pixelBuffer: image)])
        }
    }

    /// Converts Core ML's errors to those of this package.
    private func translated<Value>(_ call: () throws -> Value) throws -> Value {
        do {
            return try call()
        } catch {
            throw HvitEdgeError(
                .executionFailed,
                "[CoreMLClassifier] expected Core ML to succeed, got \(error.localizedDescription);"
                    + " check the package with hvit-edge validate")
        }
    }

    /// Returns a pixel buffer with a copy of these bytes, in the form that Core ML reads.
    private func pixelBuffer(
        bgra pixels: [UInt8], width: Int, height: Int
    ) throws -> CVPixelBuffer {
        var created: CVPixelBuffer?
        CVPixelBufferCreate(
            nil, width, height, kCVPixelFormatType_32BGRA,
            [kCVPixelBufferIOSurfacePropertiesKey: [:] as CFDictionary] as CFDictionary,
            &created)
        guard let buffer = created, CVPixelBufferLockBaseAddress(buffer, []) == kCVReturnSuccess
        else {
            throw HvitEdgeError(
                .outOfMemory,
                "[CoreMLClassifier] expected memory for \(width)x\(height) pixels, got none;"
                    + " free some")
        }
        defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
        let stride = CVPixelBufferGetBytesPerRow(buffer)
        pixels.withUnsafeBytes { source in
            for row in 0..<height {
                CVPixelBufferGetBaseAddress(buffer)!.advanced(by: row * stride).copyMemory(
                    from: source.baseAddress!.advanced(by: 4 * width * row),
                    byteCount: 4 * width)
            }
        }
        return buffer
    }
#endif
