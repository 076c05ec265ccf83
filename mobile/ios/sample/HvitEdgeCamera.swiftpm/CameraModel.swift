import Foundation
import HvitEdge

/// Classifies the newest frame as often as the model can.
@MainActor
final class CameraModel: ObservableObject {
    @Published private(set) var answer = ""
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
            let classifier = try await Classifier.open(file)
            try await camera.start()
            // On a phone held upright, the back camera's rows are columns.
            for await frame in camera.frames {
                let found = try await classifier.classify(
                    frame.pixels, orientation: .right, topK: 3)
                answer = found.map { prediction in
                    String(format: "%3.0f %%  %@", 100 * prediction.score, prediction.label)
                }.joined(separator: "\n")
            }
        } catch {
            answer = error.localizedDescription
        }
        camera.stop()
    }
}
