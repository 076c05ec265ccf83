import Foundation

/// Holds the weights of one axis of a resize, in Pillow's fixed point.
struct AxisFilter {
    static let fractionBits: Int32 = 32 - 8 - 2

    private(set) var starts: [Int] = []
    /// `weights[i]` begins at the source position `starts[i]`.
    private(set) var weights: [[Int32]] = []

    init(_ crop: AxisCrop, _ interpolation: Preprocess.Interpolation) {
        let scale = Double(crop.source) / Double(crop.resized)
        let stretch = max(scale, 1)
        let support = AxisFilter.reach(interpolation) * stretch
        for position in crop.first..<crop.first + crop.count {
            guard crop.source != crop.resized else {
                starts.append(position)
                weights.append([1 << AxisFilter.fractionBits])
                continue
            }
            let center = (Double(position) + 0.5) * scale
            let first = max(Int(center - support + 0.5), 0)
            let last = min(Int(center + support + 0.5), crop.source)
            let exact = (first..<last).map {
                AxisFilter.value(interpolation, (Double($0) - center + 0.5) * (1 / stretch))
            }
            let total = exact.reduce(0, +)
            starts.append(first)
            weights.append(exact.map { AxisFilter.fixed(total == 0 ? $0 : $0 / total) })
        }
    }

    /// The source positions that are read.
    var reach: Range<Int> {
        zip(starts, weights).reduce(starts[0]..<starts[0]) { reach, next in
            let end = next.0 + next.1.count
            return min(reach.lowerBound, next.0)..<max(reach.upperBound, end)
        }
    }

    /// Returns the source pixels on either side that contribute if nothing shrinks.
    private static func reach(_ interpolation: Preprocess.Interpolation) -> Double {
        switch interpolation {
        case .bilinear: return 1
        case .bicubic: return 2
        case .lanczos: return 3
        }
    }

    private static func sinc(_ x: Double) -> Double {
        x == 0 ? 1 : sin(x * .pi) / (x * .pi)
    }

    private static func value(_ interpolation: Preprocess.Interpolation, _ at: Double) -> Double {
        let x = abs(at)
        switch interpolation {
        case .bilinear:
            return x < 1 ? 1 - x : 0
        case .bicubic:  // Keys' cubic, in Pillow's order of operations
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        case .lanczos:
            return x < 3 ? sinc(x) * sinc(x / 3) : 0
        }
    }

    private static func fixed(_ weight: Double) -> Int32 {
        let scaled = weight * Double(Int32(1) << fractionBits)
        return Int32(weight < 0 ? scaled - 0.5 : scaled + 0.5)
    }
}
