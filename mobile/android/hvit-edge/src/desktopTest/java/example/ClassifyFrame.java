package example;

import io.github.hvitedge.Classifier;
import io.github.hvitedge.Frame;
import io.github.hvitedge.HvitEdgeException;
import io.github.hvitedge.PixelFormat;
import io.github.hvitedge.Plane;
import io.github.hvitedge.Prediction;
import java.io.File;
import java.nio.ByteBuffer;

public final class ClassifyFrame {
    public static void main(String[] arguments) {
        ByteBuffer pixels = ByteBuffer.allocateDirect(64 * 48 * 4); // what a camera delivered
        Frame frame =
                Frame.of(PixelFormat.RGBA8888, 64, 48, Plane.of(pixels, 64 * 4, 4)).rotated(90);
        try (Classifier classifier = Classifier.open(new File(arguments[0]))) {
            for (Prediction prediction : classifier.classify(frame, 3)) {
                System.out.printf("%5.1f %%  %s%n", 100 * prediction.score(), prediction.label());
            }
        } catch (HvitEdgeException refusal) {
            System.err.println(refusal.getMessage());
            System.exit(1);
        }
    }
}
