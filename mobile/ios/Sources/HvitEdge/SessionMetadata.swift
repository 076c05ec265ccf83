import CHvitEdge

extension Metadata {
    /// Reads the metadata of an open model.
    init(of session: OpaquePointer?) throws {
        func text(_ field: Int) throws -> String {
            try readText { hve_session_text(session, Int32(field), $0, $1) }
        }
        func integer(_ field: Int) throws -> Int {
            var value: Int64 = 0
            try callC { hve_session_integer(session, Int32(field), &value, $0) }
            return Int(value)
        }
        func numbers(_ field: Int) throws -> [Double] {
            var values = [Double](repeating: 0, count: 3)
            var count = 0
            try callC {
                hve_session_numbers(session, Int32(field), &values, values.count, &count, $0)
            }
            return Array(values.prefix(count))
        }

        func list(_ which: Int) throws -> [String] {
            var count = 0
            try callC { hve_session_list_count(session, Int32(which), &count, $0) }
            return try (0..<count).map { index in
                try readText { hve_session_list_text(session, Int32(which), index, $0, $1) }
            }
        }

        let resize = try text(HVE_TEXT_RESIZE)
        let interpolation = try text(HVE_TEXT_INTERPOLATION)
        guard
            let rule = Preprocess.resize(
                named: resize, size: try integer(HVE_INTEGER_RESIZE_SIZE)),
            let filter = Preprocess.Interpolation(rawValue: interpolation)
        else {
            throw HvitEdgeError(
                .unsupportedVersion,
                "[Metadata] expected a resize rule that this version knows, got \(resize) and"
                    + " \(interpolation); update the package HvitEdge")
        }
        self.init(
            task: try text(HVE_TEXT_TASK),
            modelName: try text(HVE_TEXT_MODEL_NAME),
            target: try text(HVE_TEXT_TARGET),
            precision: try text(HVE_TEXT_PRECISION),
            created: try text(HVE_TEXT_CREATED),
            weightsSource: try text(HVE_TEXT_WEIGHTS_SOURCE),
            labels: try list(HVE_LIST_LABELS),
            methods: try list(HVE_LIST_METHODS),
            preprocess: Preprocess(
                inputHeight: try integer(HVE_INTEGER_INPUT_HEIGHT),
                inputWidth: try integer(HVE_INTEGER_INPUT_WIDTH),
                resize: rule,
                interpolation: filter,
                mean: try numbers(HVE_NUMBERS_MEAN),
                std: try numbers(HVE_NUMBERS_STD),
                channelOrder: try text(HVE_TEXT_CHANNEL_ORDER)))
    }
}
