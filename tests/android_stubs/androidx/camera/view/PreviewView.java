package androidx.camera.view;

import android.content.Context;
import android.widget.FrameLayout;
import androidx.camera.core.Preview;
import org.jetbrains.annotations.NotNull;

public final class PreviewView extends FrameLayout {
  public PreviewView(@NotNull Context context) {
    super(context);
  }

  @NotNull
  public Preview.SurfaceProvider getSurfaceProvider() {
    return null;
  }
}
