/// Says how stored pixels become upright. Names and numbers are those of EXIF and of
/// `CGImagePropertyOrientation`; pass its `rawValue` to `init(rawValue:)`.
public enum Orientation: UInt32, Sendable, CaseIterable {
    case up = 1
    case upMirrored = 2
    case down = 3
    case downMirrored = 4
    case leftMirrored = 5
    /// A back camera's frames while the phone is held upright.
    case right = 6
    case rightMirrored = 7
    case left = 8

    /// Degrees clockwise that bring the pixels upright.
    var rotation: Int32 {
        switch self {
        case .up, .upMirrored: return 0
        case .right, .leftMirrored: return 90
        case .down, .downMirrored: return 180
        case .left, .rightMirrored: return 270
        }
    }

    /// Left and right are swapped after the rotation.
    var isMirrored: Bool {
        switch self {
        case .up, .right, .down, .left: return false
        case .upMirrored, .rightMirrored, .downMirrored, .leftMirrored: return true
        }
    }
}
