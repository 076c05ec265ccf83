import CHvitEdge
import Foundation

/// Owns the model that C opened.
final class Handle: @unchecked Sendable {
    let model: OpaquePointer?
    private let calls: TaskCalls

    /// Opens a file.
    convenience init(_ calls: TaskCalls, _ file: URL, threads: Int, method: String?) throws {
        guard file.isFileURL else {
            throw HvitEdgeError(
                .invalidArgument,
                "[\(calls.name)] expected the URL of a file, got \(file.absoluteString); download it")
        }
        try self.init(calls, threads: threads, method: method) { options, handle, reason in
            file.withUnsafeFileSystemRepresentation { calls.open($0, options, handle, reason) }
        }
    }

    /// Opens an artifact in memory, which is copied.
    convenience init(_ calls: TaskCalls, _ artifact: Data, threads: Int, method: String?) throws {
        try self.init(calls, threads: threads, method: method) { options, handle, reason in
            artifact.withUnsafeBytes {
                calls.openMemory($0.baseAddress, $0.count, options, handle, reason)
            }
        }
    }

    private init(
        _ calls: TaskCalls, threads: Int, method: String?,
        _ open: (TaskCalls.Options, TaskCalls.Handle, Text) -> hve_status
    ) throws {
        guard hve_abi_version() == UInt32(HVE_ABI_VERSION) else {
            throw HvitEdgeError(
                .unsupportedVersion,
                "[\(calls.name)] expected a libhvit_edge_c of ABI \(HVE_ABI_VERSION), got"
                    + " \(hve_abi_version()); build the XCFramework from the same checkout")
        }
        var options = hvit_edge_options()
        // A number that does not fit stays out of range, and C refuses it.
        options.threads = Int32(clamping: threads)
        // Without a name, each image chooses.
        model = try (method ?? "").withCString { (name) -> OpaquePointer? in
            options.method = name
            var opened: OpaquePointer?
            try callC { open(&options, &opened, $0) }
            return opened
        }
        self.calls = calls
    }

    /// Returns the model's session, which is closed with it.
    func session() throws -> OpaquePointer? {
        var session: OpaquePointer?
        try callC { calls.session(model, &session, $0) }
        return session
    }

    deinit {
        var closing = model
        calls.close(&closing)
    }
}
