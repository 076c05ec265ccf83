import CHvitEdge

private let roomForReason = 4096

/// Calls C with a buffer for its reason, and throws the failure.
func callC(_ function: (UnsafeMutablePointer<hve_text>) -> hve_status) throws {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: roomForReason) { room in
        var reason = hve_text(data: room.baseAddress, capacity: room.count, size: 0)
        let status = function(&reason)
        guard status != HVE_OK else { return }
        let code = HvitEdgeError.Status(rawValue: Int32(bitPattern: status.rawValue)) ?? .unknown
        throw HvitEdgeError(code, String(cString: room.baseAddress!))
    }
}

typealias Text = UnsafeMutablePointer<hve_text>

/// Reads a text of any length; asks for its size first.
func readText(_ function: (Text, Text) -> hve_status) throws -> String {
    var text = hve_text(data: nil, capacity: 0, size: 0)
    try callC { function(&text, $0) }
    return try withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.size + 1) { room in
        text = hve_text(data: room.baseAddress, capacity: room.count, size: 0)
        try callC { function(&text, $0) }
        return String(cString: room.baseAddress!)
    }
}
