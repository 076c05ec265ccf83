/// An object, in a box in pixels of the image as it is stored, before its orientation is applied.
public struct Detection: Sendable, Equatable {
    /// The label; "class 17" if the model has no labels.
    public let label: String
    /// The class, from 1; 0 would be the background.
    public let index: Int
    /// Softmax probability, 0 to 1.
    public let score: Float
    /// The left side.
    public let x: Float
    /// The upper side.
    public let y: Float
    public let width: Float
    public let height: Float

    public init(
        label: String, index: Int, score: Float, x: Float, y: Float, width: Float, height: Float
    ) {
        self.label = label
        self.index = index
        self.score = score
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}

/// Which boxes a `Detector` returns. What is nil has the value of the artifact.
public struct DetectOptions: Sendable, Equatable {
    /// A box has a greater score, 0 to 1.
    public var scoreThreshold: Float?
    /// A box that overlaps a better one of its class by more, 0 to 1, is dropped.
    public var iouThreshold: Float?
    /// The best boxes of a class that are compared, at least 1.
    public var candidates: Int?
    /// The best boxes of all classes that are returned, at least 1.
    public var maxDetections: Int?

    public init(
        scoreThreshold: Float? = nil, iouThreshold: Float? = nil, candidates: Int? = nil,
        maxDetections: Int? = nil
    ) {
        self.scoreThreshold = scoreThreshold
        self.iouThreshold = iouThreshold
        self.candidates = candidates
        self.maxDetections = maxDetections
    }
}
