import CHvitEdge

/// The functions of C that open and close the handles of a task, and lend their sessions.
struct TaskCalls: Sendable {
    typealias Handle = UnsafeMutablePointer<OpaquePointer?>
    typealias Options = UnsafePointer<hve_options>

    /// The class of this package, which begins messages.
    let name: String
    let open: @Sendable (UnsafePointer<CChar>?, Options, Handle, Text) -> hve_status
    let openMemory: @Sendable (UnsafeRawPointer?, Int, Options, Handle, Text) -> hve_status
    let close: @Sendable (Handle) -> Void
    let session: @Sendable (OpaquePointer?, Handle, Text) -> hve_status

    static let classifier = TaskCalls(
        name: "Classifier",
        open: { hve_classifier_open($0, $1, $2, $3) },
        openMemory: { hve_classifier_open_memory($0, $1, $2, $3, $4) },
        close: { _ = hve_classifier_close($0, nil) },
        session: { hve_classifier_session($0, $1, $2) })

    static let embedder = TaskCalls(
        name: "Embedder",
        open: { hve_embedder_open($0, $1, $2, $3) },
        openMemory: { hve_embedder_open_memory($0, $1, $2, $3, $4) },
        close: { _ = hve_embedder_close($0, nil) },
        session: { hve_embedder_session($0, $1, $2) })

    static let segmenter = TaskCalls(
        name: "Segmenter",
        open: { hve_segmenter_open($0, $1, $2, $3) },
        openMemory: { hve_segmenter_open_memory($0, $1, $2, $3, $4) },
        close: { _ = hve_segmenter_close($0, nil) },
        session: { hve_segmenter_session($0, $1, $2) })

    static let detector = TaskCalls(
        name: "Detector",
        open: { hve_detector_open($0, $1, $2, $3) },
        openMemory: { hve_detector_open_memory($0, $1, $2, $3, $4) },
        close: { _ = hve_detector_close($0, nil) },
        session: { hve_detector_session($0, $1, $2) })
}
