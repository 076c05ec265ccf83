package android.app;

import android.content.Context;
import org.jetbrains.annotations.NotNull;

public class Instrumentation {
  @NotNull
  public Context getContext() {
    return null;
  }
}
