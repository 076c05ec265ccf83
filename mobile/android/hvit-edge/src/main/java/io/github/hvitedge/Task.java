package io.github.hvitedge;

/** The tasks of models on images; libhvit_edge_jni knows them by their order. */
enum Task {
    CLASSIFY("classify", "Classifier"),
    EMBED("embed", "Embedder"),
    SEGMENT("segment", "Segmenter"),
    DETECT("detect", "Detector");

    /** The name in an artifact. */
    final String name;

    /** The class that runs it, which begins messages. */
    final String model;

    Task(String name, String model) {
        this.name = name;
        this.model = model;
    }

    /** Returns the model as messages name it: "an open classifier". */
    String opened() {
        return "an open " + model.toLowerCase(java.util.Locale.ROOT);
    }
}
