package android.app;

import android.content.Context;
import android.os.Bundle;
import android.view.View;
import org.jetbrains.annotations.Nullable;

public class Activity extends Context {
  protected void onCreate(@Nullable Bundle savedInstanceState) {}

  protected void onDestroy() {}

  public void setContentView(View view) {}

  public final void runOnUiThread(Runnable action) {}
}
