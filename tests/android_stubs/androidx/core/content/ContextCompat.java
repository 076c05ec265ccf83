package androidx.core.content;

import android.content.Context;
import java.util.concurrent.Executor;
import org.jetbrains.annotations.NotNull;

public class ContextCompat {
  @NotNull
  public static Executor getMainExecutor(@NotNull Context context) {
    return null;
  }
}
