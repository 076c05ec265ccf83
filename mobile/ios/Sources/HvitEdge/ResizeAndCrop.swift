extension Preprocess {
    /// Resizes and crops an image byte for byte as Pillow does, as input of a Core ML package.
    ///
    /// - Parameters:
    ///   - pixels: `width * height` upright pixels of four bytes each.
    /// - Returns: pixels of the input's size, four bytes each in the same order; the fourth is 255.
    func resizeAndCrop(_ pixels: [UInt8], width: Int, height: Int) throws -> [UInt8] {
        guard width >= 1, height >= 1, pixels.count == 4 * width * height else {
            throw HvitEdgeError(
                .invalidArgument,
                "[CoreMLClassifier] expected 4 bytes a pixel, got \(pixels.count) for"
                    + " \(width)x\(height); pass a whole image")
        }
        let plan = try ResizePlan(self, width: width, height: height)
        let across = AxisFilter(plan.columns, interpolation)
        let down = AxisFilter(plan.rows, interpolation)
        let image = Region(bytes: pixels, columns: 0..<width, rows: 0..<height)
        let resized =
            plan.rowsFirst
            ? image.down(down, columns: across.reach).across(across, rows: 0..<inputHeight)
            : image.across(across, rows: down.reach).down(down, columns: 0..<inputWidth)
        return resized.bytes
    }
}

/// A part of an image with four bytes a pixel, three of which are filtered.
private struct Region {
    let bytes: [UInt8]
    let columns: Range<Int>
    let rows: Range<Int>

    func across(_ filter: AxisFilter, rows: Range<Int>) -> Region {
        let columns = 0..<filter.starts.count
        return filtered(columns, rows) { column, row in
            let start = (row - self.rows.lowerBound) * self.columns.count + filter.starts[column]
            return Taps(start - self.columns.lowerBound, step: 1, filter.weights[column])
        }
    }

    func down(_ filter: AxisFilter, columns: Range<Int>) -> Region {
        let rows = 0..<filter.starts.count
        return filtered(columns, rows) { column, row in
            let start = (filter.starts[row] - self.rows.lowerBound) * self.columns.count + column
            return Taps(
                start - self.columns.lowerBound, step: self.columns.count, filter.weights[row])
        }
    }

    /// Returns a filtered region; `taps` gives the pixels and weights of each result.
    private func filtered(
        _ columns: Range<Int>, _ rows: Range<Int>, _ taps: (Int, Int) -> Taps
    ) -> Region {
        let count = 4 * columns.count * rows.count
        let filtered = bytes.withUnsafeBufferPointer { source in
            [UInt8](unsafeUninitializedCapacity: count) { output, written in
                for row in rows {
                    for column in columns {
                        let pixel = taps(column, row).pixel(source)
                        for channel in 0..<4 { output[written + channel] = pixel[channel] }
                        written += 4
                    }
                }
            }
        }
        return Region(bytes: filtered, columns: columns, rows: rows)
    }
}

/// Pixels that are `step` apart, and their weights.
private struct Taps {
    let start: Int
    let step: Int
    let weights: [Int32]

    init(_ start: Int, step: Int, _ weights: [Int32]) {
        self.start = start
        self.step = step
        self.weights = weights
    }

    func pixel(_ source: UnsafeBufferPointer<UInt8>) -> SIMD4<UInt8> {
        var sums = SIMD4<Int32>(repeating: 1 << (AxisFilter.fractionBits - 1))
        var at = 4 * start
        for weight in weights {
            let (first, second, third) = (source[at], source[at + 1], source[at + 2])
            sums &+= weight &* SIMD4(Int32(first), Int32(second), Int32(third), 0)
            at += 4 * step
        }
        sums &>>= AxisFilter.fractionBits
        sums.clamp(lowerBound: .zero, upperBound: SIMD4(repeating: 255))
        sums[3] = 255
        return SIMD4(truncatingIfNeeded: sums)
    }
}
