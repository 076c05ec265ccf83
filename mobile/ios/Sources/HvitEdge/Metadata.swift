/// The metadata of an artifact; docs/artifact.md defines each field.
public struct Metadata: Sendable, Equatable {
    /// "classify", "embed", "segment" or "detect".
    public var task = "classify"
    public var modelName: String
    public var target: String
    public var precision: String
    public var created: String
    public var weightsSource: String
    /// In class order; empty if the artifact has none.
    public var labels: [String]
    /// The methods of an artifact with several input sizes or batches, such as "320x240", the
    /// preferred one first; empty for others. `preprocess` is that of the method when it was opened.
    public var methods: [String] = []
    public var preprocess: Preprocess
}

/// Says how a photo becomes a network's input.
public struct Preprocess: Sendable, Equatable {
    public enum Resize: Sendable, Equatable {
        /// The shorter side becomes this many pixels, then the center is cropped to the input.
        case shortest(Int)
        /// The same, but the crop begins at half the margin, rounded down, not to even.
        case shortestFloor(Int)
        /// Both sides become the sides of the input.
        case stretch
        /// Both sides become this many pixels, then the center is cropped to the input.
        case stretchThenCrop(Int)
    }

    /// Antialiased as Pillow does it.
    public enum Interpolation: String, Sendable {
        case bilinear
        case bicubic
        case lanczos
    }

    public var inputHeight: Int
    public var inputWidth: Int
    public var resize: Resize
    public var interpolation: Interpolation
    /// `x = (byte / 255 - mean) / std`, in the network's channel order.
    public var mean: [Double]
    public var std: [Double]
    /// "RGB" or "BGR".
    public var channelOrder: String

    /// Returns the rule from its two fields, or nil if they hold other values.
    static func resize(named name: String, size: Int) -> Resize? {
        switch (name, size) {
        case ("shortest", 1...): return .shortest(size)
        case ("shortest-floor", 1...): return .shortestFloor(size)
        case ("stretch", 0): return .stretch
        case ("stretch", 1...): return .stretchThenCrop(size)
        default: return nil
        }
    }
}
