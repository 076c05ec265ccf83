import Foundation

/// A class and its probability.
public struct Prediction: Sendable, Equatable {
    /// The label; "class 17" if the model has no labels.
    public let label: String
    public let index: Int
    /// Softmax probability, 0 to 1.
    public let score: Float

    public init(label: String, index: Int, score: Float) {
        self.label = label
        self.index = index
        self.score = score
    }

    /// Returns the `topK` most probable classes, or all if there are fewer; equal ones by index.
    static func best(_ topK: Int, of logits: [Float], labels: [String]) throws -> [Prediction] {
        guard topK >= 1 else {
            throw HvitEdgeError(
                .invalidArgument,
                "[CoreMLClassifier] expected topK of at least 1, got \(topK); ask for one or more")
        }
        guard let largest = logits.max(), logits.allSatisfy(\.isFinite) else {
            throw HvitEdgeError(
                .executionFailed,
                "[CoreMLClassifier] expected finite logits, got none or others; validate the"
                    + " package with hvit-edge validate")
        }
        let powers = logits.map { exp(Double($0) - Double(largest)) }
        let total = powers.reduce(0, +)
        let order = logits.indices.sorted { (logits[$1], $0) < (logits[$0], $1) }
        return order.prefix(topK).map { index in
            Prediction(
                label: labels.isEmpty ? "class \(index)" : labels[index], index: index,
                score: Float(powers[index] / total))
        }
    }
}
