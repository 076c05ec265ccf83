package android.graphics;

import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

public class Canvas {
  public void concat(@Nullable Matrix matrix) {}

  public void drawBitmap(@NotNull Bitmap bitmap, float left, float top, @Nullable Paint paint) {}

  public void drawRect(
      float left, float top, float right, float bottom, @NotNull Paint paint) {}
}
