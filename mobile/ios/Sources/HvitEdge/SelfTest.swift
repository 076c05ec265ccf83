import CHvitEdge

/// The difference of this device's result for the golden photo from PyTorch's.
public struct SelfTest: Sendable, Equatable {
    /// The difference is within the artifact's tolerance.
    public let passed: Bool
    /// Both name the same class.
    public let top1Agree: Bool
    /// Largest absolute difference from the golden output.
    public let maxAbs: Double
    /// `maxAbs` divided by the largest absolute golden output.
    public let maxRel: Double

    init(of session: OpaquePointer?) throws {
        var result = hvit_edge_self_test_result()
        try callC { hve_session_self_test(session, &result, $0) }
        passed = result.passed != 0
        top1Agree = result.top1_agree != 0
        maxAbs = result.max_abs
        maxRel = result.max_rel
    }
}
