package android.widget;

import android.content.Context;
import android.view.ViewGroup;
import org.jetbrains.annotations.NotNull;

public class FrameLayout extends ViewGroup {
  public static class LayoutParams extends ViewGroup.LayoutParams {
    public LayoutParams(int width, int height) {
      super(width, height);
    }
  }

  public FrameLayout(@NotNull Context context) {
    super(context);
  }
}
