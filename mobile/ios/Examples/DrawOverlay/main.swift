import Foundation
import HvitEdge

// Draws what a model finds over a frame: DrawOverlay model.pte overlay.ppm
guard CommandLine.arguments.count == 3 else { exit(2) }
let width = 64
let height = 48
var frame = Data(count: 3 * width * height)  // RGB, what a camera delivered

func mix(_ mask: Mask, _ colors: [MaskColor]) {
    for (pixel, index) in mask.classes.enumerated() where index != 0 {
        let color = colors[Int(index)]
        for (channel, value) in [color.red, color.green, color.blue].enumerated() {
            let at = 3 * pixel + channel
            frame[at] = UInt8((Int(frame[at]) + Int(value)) / 2)
        }
    }
}

func draw(_ box: Detection) {
    print(box.label, box.score, box.x, box.y, box.width, box.height)
    let (left, right) = (Int(box.x), min(Int(box.x + box.width), width - 1))
    let (upper, lower) = (Int(box.y), min(Int(box.y + box.height), height - 1))
    for y in upper...max(upper, lower) {
        for x in left...max(left, right)
        where y == upper || y == lower || x == left || x == right {
            let at = 3 * (y * width + x)
            frame.replaceSubrange(at..<at + 3, with: [255, 255, 0])
        }
    }
}

do {
    let pixels = Pixels(frame, width: width, height: height, format: .rgb)
    switch try await AnyModel.open(URL(fileURLWithPath: CommandLine.arguments[1])) {
    case .segmenter(let segmenter):
        mix(try await segmenter.segment(pixels), segmenter.colors)
    case .detector(let detector):
        try await detector.detect(pixels).forEach(draw)
    case .classifier, .embedder:
        print("this model finds no places in a frame")
        exit(1)
    }
    let file = Data("P6\n\(width) \(height)\n255\n".utf8) + frame
    try file.write(to: URL(fileURLWithPath: CommandLine.arguments[2]))
} catch {
    print(error.localizedDescription)
    exit(1)
}
