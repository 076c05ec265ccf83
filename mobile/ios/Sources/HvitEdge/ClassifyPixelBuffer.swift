#if canImport(CoreVideo)
    import CHvitEdge
    import CoreVideo

    extension Classifier {
        /// Classifies a camera's frame, read in place: 420YpCbCr8BiPlanar of both ranges, 32BGRA,
        /// 32RGBA, 24RGB or OneComponent8. It must not change until the call returns.
        public func classify(
            _ buffer: CVPixelBuffer, orientation: Orientation = .up, topK: Int = 5
        ) async throws -> [Prediction] {
            let lent = Lent(value: buffer)
            return try await classify(orientation, topK) { try lent.value.withImage($0) }
        }
    }

    extension Embedder {
        /// Embeds a camera's frame, read in place as by `Classifier`.
        public func embed(
            _ buffer: CVPixelBuffer, orientation: Orientation = .up
        ) async throws -> [Float] {
            let lent = Lent(value: buffer)
            return try await embed(orientation) { try lent.value.withImage($0) }
        }
    }

    extension Segmenter {
        /// Segments a camera's frame, read in place as by `Classifier`. The mask overlays the buffer.
        public func segment(
            _ buffer: CVPixelBuffer, orientation: Orientation = .up, confidence: Bool = false
        ) async throws -> Mask {
            let lent = Lent(value: buffer)
            return try await segment(orientation, confidence) { try lent.value.withImage($0) }
        }
    }

    extension Detector {
        /// Detects in a camera's frame, read in place as by `Classifier`, in pixels of the buffer.
        public func detect(
            _ buffer: CVPixelBuffer, orientation: Orientation = .up,
            options: DetectOptions = DetectOptions()
        ) async throws -> [Detection] {
            let lent = Lent(value: buffer)
            return try await detect(orientation, options) { try lent.value.withImage($0) }
        }
    }

    extension CVPixelBuffer {
        /// Passes the image to `body` in the form of C, for the duration of the call.
        func withImage<T>(_ body: (inout hve_image) throws -> T) throws -> T {
            let type = CVPixelBufferGetPixelFormatType(self)
            guard let format = formats[type] else {
                throw HvitEdgeError(
                    .invalidArgument,
                    "[CVPixelBuffer] expected pixels of 420YpCbCr8BiPlanar, 32BGRA, 32RGBA, 24RGB or"
                        + " OneComponent8, got \(name(of: type)); set the camera's"
                        + " videoSettings")
            }
            guard CVPixelBufferLockBaseAddress(self, .readOnly) == kCVReturnSuccess else {
                throw HvitEdgeError(
                    .invalidArgument,
                    "[CVPixelBuffer] expected a pixel buffer in memory, got one that cannot be locked;"
                        + " copy it first")
            }
            defer { CVPixelBufferUnlockBaseAddress(self, .readOnly) }
            var image = hvit_edge_image()
            image.width = Int32(clamping: CVPixelBufferGetWidth(self))
            image.height = Int32(clamping: CVPixelBufferGetHeight(self))
            image.format = Int32(format)
            if format == HVE_FORMAT_NV12 {
                image.planes.0 = plane(0)
                image.planes.1 = plane(1)
                image.color = Int32(color(type))
            } else {
                let stride = CVPixelBufferGetBytesPerRow(self)
                image.planes.0.data = bytes(CVPixelBufferGetBaseAddress(self))
                image.planes.0.size = stride * CVPixelBufferGetHeight(self)
                image.planes.0.row_stride = stride
            }
            return try body(&image)
        }

        private func plane(_ index: Int) -> hve_plane {
            let stride = CVPixelBufferGetBytesPerRowOfPlane(self, index)
            return hve_plane(
                data: bytes(CVPixelBufferGetBaseAddressOfPlane(self, index)),
                size: stride * CVPixelBufferGetHeightOfPlane(self, index),
                row_stride: stride,
                pixel_stride: 0)
        }

        private func bytes(_ address: UnsafeMutableRawPointer?) -> UnsafePointer<UInt8>? {
            address.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) }
        }

        /// Returns the color encoding. The camera attaches BT.601 or BT.709; BT.601 is the default.
        private func color(_ type: OSType) -> Int {
            let isFull = type == kCVPixelFormatType_420YpCbCr8BiPlanarFullRange
            let matrix = CVBufferCopyAttachment(self, kCVImageBufferYCbCrMatrixKey, nil)
            if let matrix, CFEqual(matrix, kCVImageBufferYCbCrMatrix_ITU_R_709_2) {
                return isFull ? HVE_COLOR_BT709_FULL : HVE_COLOR_BT709_VIDEO
            }
            return isFull ? HVE_COLOR_BT601_FULL : HVE_COLOR_BT601_VIDEO
        }
    }

    private let formats: [OSType: Int] = [
        kCVPixelFormatType_420YpCbCr8BiPlanarFullRange: HVE_FORMAT_NV12,
        kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange: HVE_FORMAT_NV12,
        kCVPixelFormatType_32BGRA: HVE_FORMAT_BGRA8888,
        kCVPixelFormatType_32RGBA: HVE_FORMAT_RGBA8888,
        kCVPixelFormatType_24RGB: HVE_FORMAT_RGB888,
        kCVPixelFormatType_OneComponent8: HVE_FORMAT_GRAY8,
    ]

    /// Returns the four characters of Apple's name for a format, or its number.
    private func name(of type: OSType) -> String {
        let characters = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: type >> $0) }
        let isText = characters.allSatisfy { (32...126).contains($0) }
        return isText ? String(decoding: characters, as: UTF8.self) : "\(type)"
    }
#endif
