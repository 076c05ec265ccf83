package androidx.test.platform.app;

import android.app.Instrumentation;
import org.jetbrains.annotations.NotNull;

public final class InstrumentationRegistry {
  @NotNull
  public static Instrumentation getInstrumentation() {
    return null;
  }
}
