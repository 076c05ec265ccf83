import AVFoundation
import SwiftUI

/// Shows the camera and, over it, what the model found in its newest frame.
struct CameraView: View {
    @StateObject private var model = CameraModel()

    var body: some View {
        CameraPreview(session: model.camera.session)
            .overlay {
                if let overlay = model.overlay {
                    Image(uiImage: overlay).resizable().scaledToFill()
                }
            }
            .clipped()
            .ignoresSafeArea()
            .overlay(alignment: .top) {
                Text(model.answer)
                    .monospacedDigit()
                    .padding()
                    .background(.black.opacity(0.6))
                    .foregroundStyle(.white)
            }
            .task { await model.run() }
    }
}

private struct CameraPreview: UIViewRepresentable {
    let session: AVCaptureSession

    final class Layered: UIView {
        override class var layerClass: AnyClass { AVCaptureVideoPreviewLayer.self }
    }

    func makeUIView(context: Context) -> Layered {
        let view = Layered()
        let preview = view.layer as? AVCaptureVideoPreviewLayer
        preview?.session = session
        preview?.videoGravity = .resizeAspectFill
        return view
    }

    func updateUIView(_ view: Layered, context: Context) {}
}
