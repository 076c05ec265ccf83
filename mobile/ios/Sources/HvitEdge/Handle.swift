import CHvitEdge

/// Owns the classifier that C opened.
final class Handle: @unchecked Sendable {
    typealias Open = (
        UnsafePointer<hve_options>, UnsafeMutablePointer<OpaquePointer?>, Text
    ) -> hve_status

    let classifier: OpaquePointer?

    init(threads: Int, method: String?, _ open: Open) throws {
        guard hve_abi_version() == UInt32(HVE_ABI_VERSION) else {
            throw HvitEdgeError(
                .unsupportedVersion,
                "[Classifier] expected a libhvit_edge_c of ABI \(HVE_ABI_VERSION), got"
                    + " \(hve_abi_version()); build the XCFramework from the same checkout")
        }
        var options = hvit_edge_options()
        // A number that does not fit stays out of range, and C refuses it.
        options.threads = Int32(clamping: threads)
        // Without a name, each image chooses.
        classifier = try (method ?? "").withCString { (name) -> OpaquePointer? in
            options.method = name
            var opened: OpaquePointer?
            try callC { open(&options, &opened, $0) }
            return opened
        }
    }

    /// Returns the classifier's session, which is closed with it.
    func session() throws -> OpaquePointer? {
        var session: OpaquePointer?
        try callC { hve_classifier_session(classifier, &session, $0) }
        return session
    }

    func classCount() throws -> Int {
        var count = 0
        try callC { hve_classifier_class_count(classifier, &count, $0) }
        return count
    }

    deinit {
        var closing = classifier
        hve_classifier_close(&closing, nil)
    }
}
