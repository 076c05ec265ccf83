package android.graphics;

public class Paint {
  public enum Style { FILL, STROKE, FILL_AND_STROKE }

  public void setStyle(Style style) {}

  public void setStrokeWidth(float width) {}

  public void setColor(int color) {}
}
