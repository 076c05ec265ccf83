import CHvitEdge
import Foundation

/// An image in memory. The C++ library checks sizes and strides against the bytes.
public struct Pixels: Sendable {
    public enum Format: Sendable {
        case rgb
        /// Alpha is ignored.
        case rgba
        case bgra
        case gray

        var number: Int32 {
            switch self {
            case .rgb: return Int32(HVE_FORMAT_RGB888)
            case .rgba: return Int32(HVE_FORMAT_RGBA8888)
            case .bgra: return Int32(HVE_FORMAT_BGRA8888)
            case .gray: return Int32(HVE_FORMAT_GRAY8)
            }
        }
    }

    public var bytes: Data
    public var width: Int
    public var height: Int
    public var format: Format
    /// Bytes from a row to the next; 0 if rows are contiguous.
    public var rowStride: Int

    public init(
        _ bytes: Data, width: Int, height: Int, format: Format = .rgba, rowStride: Int = 0
    ) {
        self.bytes = bytes
        self.width = width
        self.height = height
        self.format = format
        self.rowStride = rowStride
    }

    /// Passes the image to `body` in the form of C, for the duration of the call.
    func withImage<T>(_ body: (inout hve_image) throws -> T) throws -> T {
        guard rowStride >= 0 else {
            throw HvitEdgeError(
                .invalidArgument,
                "[Pixels] expected a row stride of at least 0, got \(rowStride); pass bytes")
        }
        return try bytes.withUnsafeBytes { memory in
            var image = hvit_edge_image()
            image.planes.0.data = memory.bindMemory(to: UInt8.self).baseAddress
            image.planes.0.size = memory.count
            image.planes.0.row_stride = rowStride
            // A number that does not fit stays out of range, and C refuses it.
            image.width = Int32(clamping: width)
            image.height = Int32(clamping: height)
            image.format = format.number
            return try body(&image)
        }
    }
}
