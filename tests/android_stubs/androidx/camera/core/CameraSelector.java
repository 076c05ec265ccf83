package androidx.camera.core;

import org.jetbrains.annotations.NotNull;

public final class CameraSelector {
  @NotNull public static final CameraSelector DEFAULT_BACK_CAMERA = null;
}
