import AVFoundation

/// The back camera. At most one frame waits: a newer one replaces it.
final class Camera: NSObject, AVCaptureVideoDataOutputSampleBufferDelegate, @unchecked Sendable {
    /// Owned by the reader of the stream; it is not modified.
    struct Frame: @unchecked Sendable {
        let pixels: CVPixelBuffer
    }

    enum Refusal: LocalizedError {
        case notAllowed
        case noCamera

        var errorDescription: String? {
            switch self {
            case .notAllowed: return "the camera was not allowed; change it in Settings"
            case .noCamera: return "this device has no back camera"
            }
        }
    }

    let session = AVCaptureSession()
    let frames: AsyncStream<Frame>
    private let newest: AsyncStream<Frame>.Continuation
    private let queue = DispatchQueue(label: "io.github.hvitedge.camera")

    override init() {
        (frames, newest) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        super.init()
    }

    func start() async throws {
        guard await AVCaptureDevice.requestAccess(for: .video) else { throw Refusal.notAllowed }
        try configure()
        queue.async { self.session.startRunning() }
    }

    func stop() {
        queue.async { self.session.stopRunning() }
    }

    private func configure() throws {
        guard
            let device = AVCaptureDevice.default(
                .builtInWideAngleCamera, for: .video, position: .back)
        else { throw Refusal.noCamera }
        let input = try AVCaptureDeviceInput(device: device)
        let output = AVCaptureVideoDataOutput()
        output.alwaysDiscardsLateVideoFrames = true
        output.videoSettings = [
            kCVPixelBufferPixelFormatTypeKey as String:
                kCVPixelFormatType_420YpCbCr8BiPlanarFullRange
        ]
        output.setSampleBufferDelegate(self, queue: queue)
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        session.sessionPreset = .vga640x480
        guard session.canAddInput(input), session.canAddOutput(output) else {
            throw Refusal.noCamera
        }
        session.addInput(input)
        session.addOutput(output)
    }

    func captureOutput(
        _ output: AVCaptureOutput, didOutput sample: CMSampleBuffer,
        from connection: AVCaptureConnection
    ) {
        guard let pixels = CMSampleBufferGetImageBuffer(sample) else { return }
        newest.yield(Frame(pixels: pixels))
    }
}
