import CHvitEdge
import Foundation

/// A model with its own queue, on which images run one after another.
final class OpenModel: Sendable {
    let handle: Handle
    let metadata: Metadata
    private let work: SerialWork

    private init(_ handle: Handle, _ work: SerialWork) throws {
        self.handle = handle
        self.work = work
        metadata = try Metadata(of: handle.session())
    }

    /// Opens a model on its queue.
    static func open(_ handle: @escaping @Sendable () throws -> Handle) async throws -> OpenModel {
        let work = SerialWork()
        return try await work.run { try OpenModel(handle(), work) }
    }

    func selfTest() async throws -> SelfTest {
        try await work.run { try SelfTest(of: self.handle.session()) }
    }

    /// Calls `body` with the model and an image. `lend` passes the image to the call that it
    /// receives, for the duration of that call.
    func run<Answer: Sendable>(
        _ orientation: Orientation,
        lend: @escaping @Sendable ((inout hve_image) throws -> Answer) throws -> Answer,
        _ body: @escaping @Sendable (OpaquePointer?, inout hve_image) throws -> Answer
    ) async throws -> Answer {
        try await work.run {
            try lend { image in
                image.rotation = orientation.rotation
                image.mirror = orientation.isMirrored ? 1 : 0
                return try body(self.handle.model, &image)
            }
        }
    }
}
