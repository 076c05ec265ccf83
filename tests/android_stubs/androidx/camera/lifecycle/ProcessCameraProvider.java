package androidx.camera.lifecycle;

import android.content.Context;
import androidx.camera.core.Camera;
import androidx.camera.core.CameraSelector;
import androidx.camera.core.UseCase;
import androidx.lifecycle.LifecycleOwner;
import com.google.common.util.concurrent.ListenableFuture;
import org.jetbrains.annotations.NotNull;

public final class ProcessCameraProvider {
  @NotNull
  public static ListenableFuture<ProcessCameraProvider> getInstance(@NotNull Context context) {
    return null;
  }

  @NotNull
  public Camera bindToLifecycle(
      @NotNull LifecycleOwner lifecycleOwner,
      @NotNull CameraSelector cameraSelector,
      UseCase... useCases) {
    return null;
  }
}
