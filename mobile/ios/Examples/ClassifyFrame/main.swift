import Foundation
import HvitEdge

guard CommandLine.arguments.count == 2 else { exit(2) }
let frame = Data(count: 64 * 48 * 4)  // RGBA, what a camera delivered
do {
    let classifier = try await Classifier.open(URL(fileURLWithPath: CommandLine.arguments[1]))
    let pixels = Pixels(frame, width: 64, height: 48)
    for found in try await classifier.classify(pixels, orientation: .right, topK: 3) {
        print(String(format: "%5.1f %%  %@", 100 * Double(found.score), found.label))
    }
} catch {
    print(error.localizedDescription)
    exit(1)
}
