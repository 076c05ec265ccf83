import CoreVideo
import Foundation
import HvitEdge
import UIKit

/// Runs the model on the newest frame as often as it can.
@MainActor
final class CameraModel: ObservableObject {
    @Published private(set) var answer = ""
    /// A mask or boxes, in the place of the preview's frame.
    @Published private(set) var overlay: UIImage?
    let camera = Camera()

    func run() async {
        do {
            guard
                let file = Bundle.module.url(
                    forResource: "model", withExtension: "pte", subdirectory: "Resources")
            else {
                answer = "no model.pte: put one into the folder Resources"
                return
            }
            let model = try await AnyModel.open(file)
            try await camera.start()
            for await frame in camera.frames {
                try await show(frame.pixels, model)
            }
        } catch {
            answer = error.localizedDescription
        }
        camera.stop()
    }

    // On a phone held upright, the back camera's rows are columns.
    private func show(_ pixels: CVPixelBuffer, _ model: AnyModel) async throws {
        switch model {
        case .classifier(let classifier):
            answer = text(of: try await classifier.classify(pixels, orientation: .right, topK: 3))
        case .embedder(let embedder):
            let vector = try await embedder.embed(pixels, orientation: .right)
            answer = "a vector of \(vector.count) numbers"
        case .segmenter(let segmenter):
            let mask = try await segmenter.segment(pixels, orientation: .right)
            overlay = Overlay.picture(of: mask, colors: segmenter.colors)
        case .detector(let detector):
            let boxes = try await detector.detect(pixels, orientation: .right)
            overlay = Overlay.picture(
                of: boxes, width: CVPixelBufferGetWidth(pixels),
                height: CVPixelBufferGetHeight(pixels))
            answer = boxes.map(\.label).joined(separator: ", ")
        }
    }

    private func text(of predictions: [Prediction]) -> String {
        predictions.map { prediction in
            String(format: "%3.0f %%  %@", 100 * prediction.score, prediction.label)
        }.joined(separator: "\n")
    }
}
