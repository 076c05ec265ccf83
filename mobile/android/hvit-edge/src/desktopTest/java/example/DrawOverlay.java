package example;

import io.github.hvitedge.Detection;
import io.github.hvitedge.Detector;
import io.github.hvitedge.Frame;
import io.github.hvitedge.HvitEdgeException;
import io.github.hvitedge.Mask;
import io.github.hvitedge.Model;
import io.github.hvitedge.PixelFormat;
import io.github.hvitedge.Plane;
import io.github.hvitedge.Segmenter;
import java.awt.AlphaComposite;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import javax.imageio.ImageIO;

/** Draws what a model finds over a photo: DrawOverlay model.pte photo overlay.png. */
public final class DrawOverlay {
    private static Frame frame(BufferedImage photo) {
        ByteBuffer pixels = ByteBuffer.allocateDirect(photo.getWidth() * photo.getHeight() * 3);
        for (int y = 0; y < photo.getHeight(); y++) {
            for (int x = 0; x < photo.getWidth(); x++) {
                int rgb = photo.getRGB(x, y);
                pixels.put((byte) (rgb >> 16)).put((byte) (rgb >> 8)).put((byte) rgb);
            }
        }
        pixels.rewind();
        return Frame.of(
                PixelFormat.RGB888, photo.getWidth(), photo.getHeight(), Plane.of(pixels));
    }

    private static void draw(Model model, BufferedImage photo) {
        Graphics2D graphics = photo.createGraphics();
        if (model instanceof Segmenter) {
            Segmenter segmenter = (Segmenter) model;
            Mask mask = segmenter.segment(frame(photo));
            BufferedImage layer =
                    new BufferedImage(mask.width(), mask.height(), BufferedImage.TYPE_INT_ARGB);
            layer.setRGB(
                    0, 0, mask.width(), mask.height(), mask.overlay(segmenter.colors(), 128), 0,
                    mask.width());
            graphics.setComposite(AlphaComposite.SrcOver);
            graphics.drawImage(layer, 0, 0, null);
        } else if (model instanceof Detector) {
            graphics.setColor(Color.YELLOW);
            for (Detection box : ((Detector) model).detect(frame(photo))) {
                System.out.println(box);
                graphics.drawRect(
                        (int) box.x(), (int) box.y(), (int) box.width(), (int) box.height());
            }
        }
        graphics.dispose();
    }

    public static void main(String[] arguments) throws IOException {
        BufferedImage read = ImageIO.read(new File(arguments[1]));
        BufferedImage photo =
                new BufferedImage(read.getWidth(), read.getHeight(), BufferedImage.TYPE_INT_RGB);
        photo.getGraphics().drawImage(read, 0, 0, null);
        try (Model model = Model.open(new File(arguments[0]))) {
            draw(model, photo);
        } catch (HvitEdgeException refusal) {
            System.err.println(refusal.getMessage());
            System.exit(1);
        }
        ImageIO.write(photo, "png", new File(arguments[2]));
        System.out.println("wrote " + arguments[2]);
    }
}
