package android.graphics;

import java.nio.Buffer;
import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

public final class Bitmap {
  public enum Config { ALPHA_8, RGB_565, ARGB_4444, ARGB_8888, RGBA_F16, HARDWARE, RGBA_1010102 }

  @NotNull
  public static Bitmap createBitmap(
      int @NotNull [] colors, int width, int height, @NotNull Config config) {
    return null;
  }

  @Nullable
  public Config getConfig() {
    return null;
  }

  @NotNull
  public Bitmap copy(@NotNull Config config, boolean isMutable) {
    return null;
  }

  public void copyPixelsToBuffer(@NotNull Buffer dst) {}

  public int getRowBytes() {
    return 0;
  }

  public int getWidth() {
    return 0;
  }

  public int getHeight() {
    return 0;
  }
}
