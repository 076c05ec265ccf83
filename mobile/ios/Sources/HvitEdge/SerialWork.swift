import Dispatch

/// Runs pieces of work one after another on its own queue: the few threads of async code must not
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

/// Passes a value to the queue; its owner must not use it until the call returns.
struct Lent<Value>: @unchecked Sendable {
    let value: Value
}
