package androidx.activity;

import android.app.Activity;
import android.os.Bundle;
import androidx.activity.result.ActivityResultCallback;
import androidx.activity.result.ActivityResultLauncher;
import androidx.activity.result.contract.ActivityResultContract;
import androidx.lifecycle.LifecycleOwner;
import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

public class ComponentActivity extends Activity implements LifecycleOwner {
  @Override
  protected void onCreate(@Nullable Bundle savedInstanceState) {}

  @NotNull
  public final <I, O> ActivityResultLauncher<I> registerForActivityResult(
      @NotNull ActivityResultContract<I, O> contract, @NotNull ActivityResultCallback<O> callback) {
    return null;
  }
}
