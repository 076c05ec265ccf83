/* The C interface of hvit-edge, for JNI, Swift and every language that calls C. It is C99 and needs
 * no other header of hvit-edge. docs/embedding.md has a complete program.
 *
 * Failure. A function that can fail returns an hve_status. Its last parameter is an hve_text that
 * receives the reason as a sentence: `[where] expected ..., got ...; how to fix`. This parameter
 * may be NULL, and its text is "" after HVE_OK. Nothing is thrown. No last error is kept anywhere:
 * the text belongs to the call.
 *
 * Output. Buffers belong to the caller. Each has a capacity, and a call reports how much it has
 * written. If the capacity is too small, nothing is written, the required size is reported, and the
 * status is HVE_BUFFER_TOO_SMALL. NULL with a capacity of 0 only asks for the size, and the status
 * is HVE_OK. After any other failure, the reported size is 0, and a handle that was requested is
 * NULL.
 *
 * Text. Text that the library returns is UTF-8, ends with a NUL, and contains no other NUL. Bytes
 * that are not UTF-8, for example those of a path in an error, are replaced by '?'. Sizes do not
 * count the NUL.
 *
 * Handles. An hve_session, and an hve_classifier, hve_embedder, hve_segmenter or hve_detector of a
 * task, is opened and closed. NULL, a handle of another kind, and memory that does not begin like a
 * handle are refused, and so is an artifact of another task. A close function takes the address of
 * the handle and sets it to NULL. Closing it again then does nothing, and using it is refused. Two
 * errors cannot be detected, and their results are undefined: the use of a copy of a handle that
 * was closed elsewhere, and a pointer to unreadable memory.
 *
 * Threads. Calls on one handle that run the model wait for one another. Any number of handles may
 * run at once. All other functions of a handle may be called from several threads. Closing waits
 * for runs that have begun. No call may begin after it, and no thread may be canceled inside a
 * call. A process shares only the thread pool, see hve_set_threads().
 *
 * Versions. Structs that may grow begin with `struct_size`: set it to sizeof, or start from the
 * HVE_..._INIT macro. A struct with more members than this library knows is accepted if those are
 * zero. Structs without struct_size, functions and numbers do not change until HVE_ABI_VERSION
 * changes.
 */
#ifndef HVIT_EDGE_C_API_H
#define HVIT_EDGE_C_API_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HVE_API __attribute__((visibility("default")))
#else
#define HVE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The library -------------------------------------------------------------------------- */

/* Changes when programs must be compiled again; the name of the shared library ends in it. */
#define HVE_ABI_VERSION 1

/* Returns the version of the library that runs, such as "0.1.0". It may be newer than this header.
 */
HVE_API const char* hve_version(void);

/* Returns HVE_ABI_VERSION of the library that runs. */
HVE_API uint32_t hve_abi_version(void);

/* The codes of hvit_edge::StatusCode; from 100 on, codes that only this interface has. */
typedef enum hve_status {
  HVE_OK = 0,
  HVE_INVALID_ARGUMENT = 1,    /* a wrong argument, path, shape, dtype, handle or image */
  HVE_INVALID_ARTIFACT = 2,    /* truncated, altered, foreign or incomplete file */
  HVE_UNSUPPORTED_VERSION = 3, /* written for a newer runtime */
  HVE_MISSING_BACKEND = 4,     /* the program needs a backend that is not linked in */
  HVE_EXECUTION_FAILED = 5,    /* the runtime failed while running the program */
  HVE_OUT_OF_MEMORY = 6,
  HVE_INTERNAL = 7,           /* a bug in hvit-edge */
  HVE_BUFFER_TOO_SMALL = 100, /* ask again with the size that was reported */
  HVE_STATUS_FORCE_INT32 = 0x7fffffff
} hve_status;

/* Returns the name of a code for logs, such as "invalid_artifact"; "unknown" for other numbers. */
HVE_API const char* hve_status_name(int32_t status);

/* A buffer for text. `size` is set to the bytes of the complete text. For an error, the buffer may
 * be too small: it then holds the beginning of the text, cut between characters. */
typedef struct hve_text {
  char* data;
  size_t capacity; /* bytes at data, including the NUL */
  size_t size;     /* bytes of the text, without the NUL */
} hve_text;

/* An hve_text of an array: char reason[512]; hve_text error = HVE_TEXT(reason); */
#define HVE_TEXT(array) {(array), sizeof(array), 0}

/* Sets the threads of inference for the complete process: 1 to 1024, or 0 for hve_auto_threads().
 * The last call wins. It waits until nothing runs. */
HVE_API hve_status hve_set_threads(int32_t count, hve_text* error);

/* Returns the number of threads in use; 0 if it cannot be determined. */
HVE_API int32_t hve_threads(void);

/* Returns the number of physical cores that this process may use, without the slow cores of a
 * phone; 0 if it cannot be determined. */
HVE_API int32_t hve_auto_threads(void);

/* The backends that programs can be run with, such as "XnnpackBackend". */
HVE_API hve_status hve_backend_count(size_t* count, hve_text* error);
HVE_API hve_status hve_backend_name(size_t index, hve_text* name, hve_text* error);

/* ---- Opening ------------------------------------------------------------------------------ */

enum {
  HVE_MEMORY_COPY = 0,  /* the library copies the artifact; the caller's memory is free at once */
  HVE_MEMORY_BORROW = 1 /* read in place: aligned to 16 bytes, unchanged and alive until closed */
};

typedef struct hve_options {
  size_t struct_size;
  int32_t threads;       /* given to hve_set_threads() while opening; 0: auto */
  int32_t prepare_later; /* 1: the first run prepares the model, and any artifact can be read */
  int32_t memory;        /* HVE_MEMORY_..., for artifacts in memory */
  int32_t reserved;      /* 0 */
  /* One of HVE_LIST_METHODS. NULL: the first one for a session, and for a handle of a task the one
   * that crops the least of each image. */
  const char* method;
} hve_options;

#define HVE_OPTIONS_INIT {sizeof(hve_options), 0, 0, HVE_MEMORY_COPY, 0, NULL}

/* A handle of any model. */
typedef struct hve_session hve_session;

/* Handles of the tasks: a model from one image to classes, to an embedding, to a class for each
 * pixel, or to boxes. HVE_TEXT_TASK of an hve_session, which opens any artifact, names the task. */
typedef struct hve_classifier hve_classifier;
typedef struct hve_embedder hve_embedder;
typedef struct hve_segmenter hve_segmenter;
typedef struct hve_detector hve_detector;

/* Opens an artifact. `path` ends with a NUL and has the encoding of the file system; the file must
 * not change until the handle is closed. `options` may be NULL for the defaults, which are zero. */
HVE_API hve_status hve_session_open(const char* path, const hve_options* options,
                                    hve_session** session, hve_text* error);
HVE_API hve_status hve_session_open_memory(const void* data, size_t size,
                                           const hve_options* options, hve_session** session,
                                           hve_text* error);

/* Closes a session. NULL and the address of NULL do nothing. Memory that is not a handle, and the
 * session of another handle, are refused. */
HVE_API hve_status hve_session_close(hve_session** session, hve_text* error);

HVE_API hve_status hve_classifier_open(const char* path, const hve_options* options,
                                       hve_classifier** classifier, hve_text* error);
HVE_API hve_status hve_classifier_open_memory(const void* data, size_t size,
                                              const hve_options* options,
                                              hve_classifier** classifier, hve_text* error);
HVE_API hve_status hve_classifier_close(hve_classifier** classifier, hve_text* error);

/* Gives the session of a classifier, for its metadata and self-test. It is closed with the
 * classifier, never by itself. */
HVE_API hve_status hve_classifier_session(hve_classifier* classifier, hve_session** session,
                                          hve_text* error);

/* ---- Metadata of an artifact -------------------------------------------------------------- */

/* docs/artifact.md defines each field. */
enum {
  HVE_TEXT_MODEL_NAME = 0,
  HVE_TEXT_TARGET = 1,
  HVE_TEXT_PRECISION = 2,
  HVE_TEXT_CREATED = 3,
  HVE_TEXT_WEIGHTS_SOURCE = 4,
  HVE_TEXT_WEIGHTS_SHA256 = 5,
  HVE_TEXT_RESIZE = 6,        /* "shortest", "stretch" or "shortest-floor" */
  HVE_TEXT_INTERPOLATION = 7, /* "bilinear", "bicubic" or "lanczos" */
  HVE_TEXT_CHANNEL_ORDER = 8, /* "RGB" or "BGR" */
  HVE_TEXT_METHOD = 9,        /* the method that is described, see HVE_LIST_METHODS; or empty */
  HVE_TEXT_TASK = 10,         /* "classify", "embed", "segment", "detect" or "tensor" */
  HVE_TEXT_NORMALIZE = 11     /* of an embedder "l2" or "none"; empty for other tasks */
};
HVE_API hve_status hve_session_text(hve_session* session, int32_t field, hve_text* text,
                                    hve_text* error);

enum {
  HVE_INTEGER_SCHEMA_VERSION = 0,
  HVE_INTEGER_INPUT_HEIGHT = 1,      /* pixels */
  HVE_INTEGER_INPUT_WIDTH = 2,       /* pixels */
  HVE_INTEGER_RESIZE_SIZE = 3,       /* pixels; may be 0 with "stretch" */
  HVE_INTEGER_PARITY_TOP1_AGREE = 4, /* 0 or 1 */
  HVE_INTEGER_PLANNED_MEMORY = 5,    /* bytes of the activations, without the weights */
  HVE_INTEGER_BATCH = 6              /* images of an input of the method; 1 without methods */
};
HVE_API hve_status hve_session_integer(hve_session* session, int32_t field, int64_t* value,
                                       hve_text* error);

enum {
  HVE_NUMBERS_MEAN = 0,             /* 3, in the network's channel order */
  HVE_NUMBERS_STD = 1,              /* 3, in the network's channel order */
  HVE_NUMBERS_PARITY = 2,           /* max_abs, max_rel, cosine */
  HVE_NUMBERS_GOLDEN_TOLERANCE = 3, /* 1 */
  HVE_NUMBERS_LAYER_SQNR = 4        /* dB, one for each of HVE_LIST_LAYERS; may be infinite */
};
HVE_API hve_status hve_session_numbers(hve_session* session, int32_t field, double* values,
                                       size_t capacity, size_t* count, hve_text* error);

enum {
  HVE_LIST_LABELS = 0,   /* in class order; may be empty */
  HVE_LIST_VERSIONS = 1, /* "torch=2.13.0" */
  HVE_LIST_LAYERS = 2,   /* "name=precision", the worst first; empty for fp32 */
  HVE_LIST_METHODS = 3   /* names such as "320x240", the preferred one first; usually empty */
};
HVE_API hve_status hve_session_list_count(hve_session* session, int32_t list, size_t* count,
                                          hve_text* error);
HVE_API hve_status hve_session_list_text(hve_session* session, int32_t list, size_t index,
                                         hve_text* text, hve_text* error);

/* Selects the method that the session runs and describes from now on, one of HVE_LIST_METHODS. The
 * next run loads it in place of the former one. The session of another handle is refused: it
 * follows the images. */
HVE_API hve_status hve_session_select(hve_session* session, const char* method, hve_text* error);

/* ---- Running any model -------------------------------------------------------------------- */

enum { HVE_INPUT = 0, HVE_OUTPUT = 1 };

enum {
  HVE_DTYPE_UINT8 = 0,
  HVE_DTYPE_INT8 = 1,
  HVE_DTYPE_INT16 = 2,
  HVE_DTYPE_INT32 = 3,
  HVE_DTYPE_INT64 = 4,
  HVE_DTYPE_FLOAT16 = 5,
  HVE_DTYPE_FLOAT32 = 6,
  HVE_DTYPE_FLOAT64 = 7,
  HVE_DTYPE_BOOL = 8,
  HVE_DTYPE_OTHER = 9
};

/* `side` is HVE_INPUT or HVE_OUTPUT. */
HVE_API hve_status hve_session_tensor_count(hve_session* session, int32_t side, size_t* count,
                                            hve_text* error);
HVE_API hve_status hve_session_tensor_dtype(hve_session* session, int32_t side, size_t index,
                                            int32_t* dtype, hve_text* error);
/* `rank` receives the number of dimensions. */
HVE_API hve_status hve_session_tensor_shape(hve_session* session, int32_t side, size_t index,
                                            int64_t* shape, size_t capacity, size_t* rank,
                                            hve_text* error);

/* The numbers of an input, in row-major order: as many as the tensor's shape says, all finite. */
typedef struct hve_input {
  const float* data;
  size_t count;
} hve_input;

/* A buffer for the numbers of an output. */
typedef struct hve_output {
  float* data;
  size_t capacity; /* floats at data */
  size_t count;    /* floats written, or needed */
} hve_output;

/* Runs the model once. Every tensor of the model must be float32, and each needs its buffer, in
 * order. */
HVE_API hve_status hve_session_run(hve_session* session, const hve_input* inputs,
                                   size_t input_count, hve_output* outputs, size_t output_count,
                                   hve_text* error);

typedef struct hve_self_test_result {
  size_t struct_size;
  double max_abs;     /* largest absolute difference from the golden output */
  double max_rel;     /* max_abs / largest absolute golden output */
  int32_t passed;     /* 0 or 1 */
  int32_t top1_agree; /* 0 or 1: both name the same class */
} hve_self_test_result;

#define HVE_SELF_TEST_RESULT_INIT {sizeof(hve_self_test_result), 0, 0, 0, 0}

/* Runs the artifact's golden photo and compares the result with PyTorch's. If they differ, the
 * status is HVE_OK and `passed` is 0. */
HVE_API hve_status hve_session_self_test(hve_session* session, hve_self_test_result* result,
                                         hve_text* error);

/* ---- Images ------------------------------------------------------------------------------- */

enum {
  HVE_FORMAT_RGB888 = 0,
  HVE_FORMAT_RGBA8888 = 1, /* alpha is ignored */
  HVE_FORMAT_BGRA8888 = 2,
  HVE_FORMAT_GRAY8 = 3, /* R = G = B */
  HVE_FORMAT_NV12 = 4,  /* luma, then a plane of pairs U V */
  HVE_FORMAT_NV21 = 5,  /* luma, then a plane of pairs V U */
  HVE_FORMAT_I420 = 6   /* luma, U and V: three planes */
};

/* The color encoding of a YUV frame; HVE_COLOR_DEFAULT for every other format. */
enum {
  HVE_COLOR_DEFAULT = 0,     /* HVE_COLOR_BT601_FULL */
  HVE_COLOR_BT601_FULL = 1,  /* luma 0 to 255, as in JPEG */
  HVE_COLOR_BT601_VIDEO = 2, /* luma 16 to 235, chroma 16 to 240 */
  HVE_COLOR_BT709_FULL = 3,
  HVE_COLOR_BT709_VIDEO = 4
};

typedef struct hve_plane {
  const uint8_t* data;
  size_t size;         /* bytes at data; the last row may end with its last pixel */
  size_t row_stride;   /* bytes from a row to the next; 0: rows are contiguous */
  size_t pixel_stride; /* bytes from a pixel to the next; 0: that of the format */
} hve_plane;

/* Pixels of the caller, which are read only during the call. Chroma planes have (width + 1) / 2 x
 * (height + 1) / 2 samples; U and V of HVE_FORMAT_I420 may have a pixel_stride of 2. Errors may
 * call planes[1] and planes[2] chroma[0] and chroma[1], as in C++. docs/frames.md describes the
 * frames of cameras. */
typedef struct hve_image {
  size_t struct_size;
  hve_plane planes[3]; /* the planes of the format; the others' data is NULL */
  int32_t width;       /* pixels as stored, before the rotation */
  int32_t height;
  int32_t format;   /* HVE_FORMAT_... */
  int32_t rotation; /* degrees clockwise that bring the pixels upright: 0, 90, 180 or 270 */
  int32_t mirror;   /* 1: left and right are swapped, after the rotation; else 0 */
  int32_t color;    /* HVE_COLOR_... */
} hve_image;

#define HVE_IMAGE_INIT \
  {sizeof(hve_image), {{NULL, 0, 0, 0}, {NULL, 0, 0, 0}, {NULL, 0, 0, 0}}, 0, 0, 0, 0, 0, 0}

/* ---- Classifying -------------------------------------------------------------------------- */

typedef struct hve_prediction {
  const char* label; /* valid until the classifier is closed; "class 17" without labels */
  size_t label_size; /* bytes, without the NUL */
  int32_t index;
  float score; /* softmax probability */
} hve_prediction;

HVE_API hve_status hve_classifier_class_count(hve_classifier* classifier, size_t* count,
                                              hve_text* error);

/* Gives the `top_k` most probable classes, or all if there are fewer, sorted by probability and
 * then by index. `count` receives how many there are. */
HVE_API hve_status hve_classifier_classify(hve_classifier* classifier, const hve_image* image,
                                           int32_t top_k, hve_prediction* predictions,
                                           size_t capacity, size_t* count, hve_text* error);

/* Gives the raw outputs, one for each class. */
HVE_API hve_status hve_classifier_logits(hve_classifier* classifier, const hve_image* image,
                                         float* logits, size_t capacity, size_t* count,
                                         hve_text* error);

/* ---- Embedding ---------------------------------------------------------------------------- */

/* Opened, closed and read like an hve_classifier. */
HVE_API hve_status hve_embedder_open(const char* path, const hve_options* options,
                                     hve_embedder** embedder, hve_text* error);
HVE_API hve_status hve_embedder_open_memory(const void* data, size_t size,
                                            const hve_options* options, hve_embedder** embedder,
                                            hve_text* error);
HVE_API hve_status hve_embedder_close(hve_embedder** embedder, hve_text* error);
HVE_API hve_status hve_embedder_session(hve_embedder* embedder, hve_session** session,
                                        hve_text* error);

/* Gives the number of floats of an embedding. */
HVE_API hve_status hve_embedder_size(hve_embedder* embedder, size_t* count, hve_text* error);

/* Gives the embedding of an image, divided by its length if HVE_TEXT_NORMALIZE is "l2". */
HVE_API hve_status hve_embedder_embed(hve_embedder* embedder, const hve_image* image,
                                      float* embedding, size_t capacity, size_t* count,
                                      hve_text* error);

/* Returns the cosine of the angle between two embeddings of `count` floats each, -1 to 1; 0 if one
 * of them has no direction, or is NULL. */
HVE_API float hve_cosine_similarity(const float* a, const float* b, size_t count);

/* ---- Segmenting --------------------------------------------------------------------------- */

/* Opened, closed and read like an hve_classifier. */
HVE_API hve_status hve_segmenter_open(const char* path, const hve_options* options,
                                      hve_segmenter** segmenter, hve_text* error);
HVE_API hve_status hve_segmenter_open_memory(const void* data, size_t size,
                                             const hve_options* options, hve_segmenter** segmenter,
                                             hve_text* error);
HVE_API hve_status hve_segmenter_close(hve_segmenter** segmenter, hve_text* error);
HVE_API hve_status hve_segmenter_session(hve_segmenter* segmenter, hve_session** session,
                                         hve_text* error);

HVE_API hve_status hve_segmenter_class_count(hve_segmenter* segmenter, size_t* count,
                                             hve_text* error);

/* Gives three bytes R G B for each class: the artifact's colors, or those of Pascal VOC if it has
 * none. `count` receives the bytes. */
HVE_API hve_status hve_segmenter_colors(hve_segmenter* segmenter, uint8_t* colors, size_t capacity,
                                        size_t* count, hve_text* error);

/* Gives the class of each pixel of the image, row by row without padding: width x height of them,
 * in the order of the image's memory, before rotation and mirror, so that the mask overlays it.
 * `confidence` receives the softmax probability of each of these classes; NULL and a capacity of 0
 * leave it out. A pixel that the model does not see, because the crop cuts it off, has the class 0
 * and the confidence 0. `count` receives the number of pixels. */
HVE_API hve_status hve_segmenter_segment(hve_segmenter* segmenter, const hve_image* image,
                                         uint8_t* classes, size_t capacity, float* confidence,
                                         size_t confidence_capacity, size_t* count,
                                         hve_text* error);

/* ---- Detecting ---------------------------------------------------------------------------- */

/* Opened, closed and read like an hve_classifier. */
HVE_API hve_status hve_detector_open(const char* path, const hve_options* options,
                                     hve_detector** detector, hve_text* error);
HVE_API hve_status hve_detector_open_memory(const void* data, size_t size,
                                            const hve_options* options, hve_detector** detector,
                                            hve_text* error);
HVE_API hve_status hve_detector_close(hve_detector** detector, hve_text* error);
HVE_API hve_status hve_detector_session(hve_detector* detector, hve_session** session,
                                        hve_text* error);

typedef struct hve_detect_options {
  size_t struct_size;
  float score_threshold;  /* a box has a greater score; below 0: that of the artifact */
  float iou_threshold;    /* a box that overlaps a better one more is dropped; below 0: likewise */
  int32_t candidates;     /* the best boxes of a class that are compared; 0: likewise */
  int32_t max_detections; /* the best boxes of all classes that are given; 0: likewise */
} hve_detect_options;

#define HVE_DETECT_OPTIONS_INIT {sizeof(hve_detect_options), -1, -1, 0, 0}

/* A box in pixels of the image as stored, before rotation and mirror, so that it overlays it. It is
 * inside of the image; (0, 0) is the upper left corner of the first pixel. */
typedef struct hve_detection {
  const char* label; /* valid until the detector is closed; "class 17" without labels */
  size_t label_size; /* bytes, without the NUL */
  int32_t index;     /* of the class, from 1; 0 would be the background */
  float score;       /* softmax probability */
  float x;           /* of the left side */
  float y;           /* of the upper side */
  float width;
  float height;
} hve_detection;

/* Gives the largest number of boxes of an image: max_detections, or less if the network has fewer.
 * `options` may be NULL, as for hve_detector_detect(). */
HVE_API hve_status hve_detector_max_detections(hve_detector* detector,
                                               const hve_detect_options* options, size_t* count,
                                               hve_text* error);

/* Gives the boxes of an image, sorted by score. No box is not a failure. `count` receives how many
 * there are, or if `detections` is NULL, hve_detector_max_detections(). A buffer of that size is
 * never too small. `options` may be NULL for those of the artifact. */
HVE_API hve_status hve_detector_detect(hve_detector* detector, const hve_image* image,
                                       const hve_detect_options* options, hve_detection* detections,
                                       size_t capacity, size_t* count, hve_text* error);

#ifdef __cplusplus
}
#endif

#endif
