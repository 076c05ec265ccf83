package android.graphics;

public class Matrix {
  public void setTranslate(float dx, float dy) {}

  public boolean postRotate(float degrees) {
    return false;
  }

  public boolean postScale(float sx, float sy) {
    return false;
  }

  public boolean postTranslate(float dx, float dy) {
    return false;
  }
}
