/// One axis of a resize and crop: `count` of `resized` positions, from `first` on.
struct AxisCrop: Equatable {
    let source: Int
    let resized: Int
    let first: Int
    let count: Int
}

/// Says where the pixels of the network's input come from; docs/artifact.md, "Resize geometry".
struct ResizePlan: Equatable {
    let columns: AxisCrop
    let rows: AxisCrop

    private static let longest = 1 << 30

    init(_ preprocess: Preprocess, width: Int, height: Int) throws {
        var (newWidth, newHeight) = (preprocess.inputWidth, preprocess.inputHeight)
        var floor = false
        switch preprocess.resize {
        case .stretch: break
        case .stretchThenCrop(let size): (newWidth, newHeight) = (size, size)
        case .shortest(let size), .shortestFloor(let size):
            if case .shortestFloor = preprocess.resize { floor = true }
            let (shorter, longer) = (min(width, height), max(width, height))
            let scaled = Int(Double(size * longer) / Double(shorter))
            (newWidth, newHeight) = height <= width ? (scaled, size) : (size, scaled)
        }
        guard max(newWidth, newHeight) <= ResizePlan.longest else {
            throw HvitEdgeError(
                .invalidArgument,
                "[CoreMLClassifier] expected a photo that is less elongated, got"
                    + " \(width)x\(height); crop the photo first")
        }
        columns = ResizePlan.center(width, newWidth, preprocess.inputWidth, floor)
        rows = ResizePlan.center(height, newHeight, preprocess.inputHeight, floor)
    }

    /// The rule of Pillow 13. Each pass rounds to bytes, so the order affects the result.
    var rowsFirst: Bool {
        rows.source - rows.resized > max(0, 2 * (columns.source - columns.resized))
    }

    private static func center(
        _ source: Int, _ resized: Int, _ count: Int, _ floor: Bool
    ) -> AxisCrop {
        let first = (Double(resized - count) / 2).rounded(floor ? .down : .toNearestOrEven)
        return AxisCrop(source: source, resized: resized, first: Int(first), count: count)
    }
}
