package androidx.camera.core;

import java.util.concurrent.Executor;
import org.jetbrains.annotations.NotNull;

public final class ImageAnalysis extends UseCase {
  public static final int STRATEGY_KEEP_ONLY_LATEST = 0;
  public static final int STRATEGY_BLOCK_PRODUCER = 1;

  public static final class Builder {
    public Builder() {}

    @NotNull
    public Builder setBackpressureStrategy(int strategy) {
      return this;
    }

    @NotNull
    public ImageAnalysis build() {
      return null;
    }
  }

  public interface Analyzer {
    void analyze(@NotNull ImageProxy image);
  }

  public void setAnalyzer(@NotNull Executor executor, @NotNull Analyzer analyzer) {}
}
