package android.view;

import android.content.Context;
import android.graphics.Canvas;
import org.jetbrains.annotations.NotNull;

public class View {
  public View(Context context) {}

  public void setBackgroundColor(int color) {}

  public void invalidate() {}

  public final int getWidth() {
    return 0;
  }

  public final int getHeight() {
    return 0;
  }

  protected void onDraw(@NotNull Canvas canvas) {}
}
