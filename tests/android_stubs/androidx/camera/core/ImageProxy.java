package androidx.camera.core;

import java.nio.ByteBuffer;
import org.jetbrains.annotations.NotNull;

public interface ImageProxy extends AutoCloseable {
  interface PlaneProxy {
    int getRowStride();

    int getPixelStride();

    @NotNull
    ByteBuffer getBuffer();
  }

  void close();

  int getWidth();

  int getHeight();

  PlaneProxy @NotNull [] getPlanes();

  @NotNull
  ImageInfo getImageInfo();
}
