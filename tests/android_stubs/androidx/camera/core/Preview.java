package androidx.camera.core;

import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

public final class Preview extends UseCase {
  public static final class Builder {
    public Builder() {}

    @NotNull
    public Preview build() {
      return null;
    }
  }

  public interface SurfaceProvider {}

  public void setSurfaceProvider(@Nullable SurfaceProvider surfaceProvider) {}
}
