import HvitEdge
import UIKit

/// Draws what a model found into a picture of the frame's size, which is shown over the preview.
/// The frame's rows are columns of a phone held upright, so the picture is turned like it.
enum Overlay {
    static func picture(of mask: Mask, colors: [MaskColor]) -> UIImage? {
        let bytes = Data(mask.overlayBytes(colors: colors))
        guard let provider = CGDataProvider(data: bytes as CFData) else { return nil }
        let image = CGImage(
            width: mask.width, height: mask.height, bitsPerComponent: 8, bitsPerPixel: 32,
            bytesPerRow: 4 * mask.width, space: CGColorSpaceCreateDeviceRGB(),
            bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.premultipliedLast.rawValue),
            provider: provider, decode: nil, shouldInterpolate: false, intent: .defaultIntent)
        return image.map { UIImage(cgImage: $0, scale: 1, orientation: .right) }
    }

    static func picture(of boxes: [Detection], width: Int, height: Int) -> UIImage? {
        let format = UIGraphicsImageRendererFormat()
        format.scale = 1
        let size = CGSize(width: width, height: height)
        let drawn = UIGraphicsImageRenderer(size: size, format: format).image { context in
            UIColor.yellow.setStroke()
            context.cgContext.setLineWidth(3)
            for box in boxes {
                context.stroke(
                    CGRect(
                        x: CGFloat(box.x), y: CGFloat(box.y), width: CGFloat(box.width),
                        height: CGFloat(box.height)))
            }
        }
        return drawn.cgImage.map { UIImage(cgImage: $0, scale: 1, orientation: .right) }
    }
}
