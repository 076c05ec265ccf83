/// The class of each pixel of an image as it is stored, before its orientation is applied.
public struct Mask: Sendable, Equatable {
    public let width: Int
    public let height: Int
    /// Row by row, without padding.
    public let classes: [UInt8]
    /// The softmax probabilities of the classes; empty if not asked for.
    public let confidence: [Float]

    /// Returns the class of a pixel, which must be inside of the image.
    public subscript(x: Int, y: Int) -> Int {
        precondition((0..<width).contains(x) && (0..<height).contains(y), "outside of the mask")
        return Int(classes[y * width + x])
    }

    /// Returns four bytes R G B A for each pixel: the color of its class, premultiplied by
    /// `opacity`, 0 to 1. The class 0, the background, is transparent.
    public func overlayBytes(colors: [MaskColor], opacity: Double = 0.5) -> [UInt8] {
        let share = min(max(opacity, 0), 1)
        let palette = colors.map { color in
            [color.red, color.green, color.blue, 255].map { UInt8(Double($0) * share) }
        }
        var bytes = [UInt8](repeating: 0, count: 4 * classes.count)
        for (pixel, index) in classes.enumerated() where index != 0 && index < palette.count {
            bytes.replaceSubrange(4 * pixel..<4 * pixel + 4, with: palette[Int(index)])
        }
        return bytes
    }
}

/// The color of a class.
public struct MaskColor: Sendable, Equatable {
    public let red: UInt8
    public let green: UInt8
    public let blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }
}
