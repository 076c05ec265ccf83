import Dispatch

/// Runs one piece of work after the other on a queue of its own: async code's few threads must not
/// wait for a model.
final class SerialWork: Sendable {
    private let queue = DispatchQueue(label: "io.github.hvitedge", qos: .userInitiated)

    func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try Task.checkCancellation()
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: work)) }
        }
    }
}

/// Hands something to the queue that its owner leaves alone until the call returns.
struct Lent<Value>: @unchecked Sendable {
    let value: Value
}
