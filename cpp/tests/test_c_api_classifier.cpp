#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "artifact.h"
#include "c_api.h"
#include "hvit_edge/classifier.h"
#include "test_c_api_header.h"

namespace hvit_edge {
namespace {

using testing::contains;
using testing::Reason;

using testing::data_path;

Classifier load_reference() {
  Result<Classifier> classifier = Classifier::load(testing::tiny_path());
  EXPECT_TRUE(classifier.ok()) << classifier.status().message();
  return std::move(classifier).value();
}

class CApiClassifier : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(hve_classifier_open(testing::tiny_path().c_str(), nullptr, &handle_, reason_), HVE_OK)
        << reason_.text();
    owned_.reset(handle_);
    image_ = testing::rgb_image(bytes_, 60, 50);
  }

  hve_status classify(const hve_image* image, std::size_t capacity = 7) {
    return hve_classifier_classify(handle_, image, 7, predictions_, capacity, &count_, reason_);
  }
  // Checks that an image is refused for the given reason.
  void expect_refused(const hve_image& image, const std::string& part) {
    count_ = 99;
    EXPECT_EQ(classify(&image), HVE_INVALID_ARGUMENT) << part;
    EXPECT_EQ(count_, 0U);
    EXPECT_PRED2(contains, reason_.text(), part);
    std::size_t floats = 99;
    EXPECT_EQ(hve_classifier_logits(handle_, &image, logits_, 7, &floats, reason_),
              HVE_INVALID_ARGUMENT);
    EXPECT_EQ(floats, 0U);
  }

  std::vector<std::uint8_t> bytes_ = testing::some_bytes(3 * 60 * 50);
  hve_image image_ = HVE_IMAGE_INIT;
  hve_prediction predictions_[7] = {};
  float logits_[7] = {};
  std::size_t count_ = 0;
  hve_classifier* handle_ = nullptr;
  testing::OwnedClassifier owned_;
  Reason reason_;
};

TEST(CApiHeader, ServesC99) { EXPECT_STREQ(use_header_from_c(testing::tiny_path().c_str()), ""); }

TEST_F(CApiClassifier, GivesWhatTheCppClassifierGives) {
  Classifier reference = load_reference();
  const std::vector<std::uint8_t> bytes = testing::some_bytes(4 * 70 * 50);
  struct Case {
    std::int32_t format;
    PixelFormat reference_format;
    std::size_t row_stride;
  };
  for (const Case& c : {Case{HVE_FORMAT_RGB888, PixelFormat::rgb888, 0},
                        Case{HVE_FORMAT_RGBA8888, PixelFormat::rgba8888, 4 * 70},
                        Case{HVE_FORMAT_BGRA8888, PixelFormat::bgra8888, 4 * 66},
                        Case{HVE_FORMAT_GRAY8, PixelFormat::gray8, 65}}) {
    for (const int turn : {0, 1, 2, 3, 4, 5, 6, 7}) {
      hve_image image = testing::rgb_image(bytes, 60, 50);
      image.format = c.format;
      image.rotation = turn % 4 * 90;
      image.mirror = turn / 4;
      image.planes[0].row_stride = c.row_stride;
      ImageView view{bytes.data(), 60, 50, c.row_stride, c.reference_format};
      view.rotation = static_cast<Rotation>(turn % 4 * 90);
      view.mirror = turn >= 4;
      const Result<std::vector<Prediction>> expected = reference.classify(view, 7);
      ASSERT_TRUE(expected.ok()) << expected.status().message();
      ASSERT_EQ(classify(&image), HVE_OK) << reason_.text();
      ASSERT_EQ(count_, expected->size());
      for (std::size_t i = 0; i < count_; ++i) {
        EXPECT_EQ(predictions_[i].index, (*expected)[i].index);
        EXPECT_EQ(predictions_[i].score, (*expected)[i].score);
        EXPECT_EQ(std::string(predictions_[i].label, predictions_[i].label_size),
                  (*expected)[i].label);
        EXPECT_EQ(predictions_[i].label[predictions_[i].label_size], '\0');
      }
      const Result<const std::vector<float>*> logits = reference.logits(view);
      ASSERT_TRUE(logits.ok()) << logits.status().message();
      ASSERT_EQ(hve_classifier_logits(handle_, &image, logits_, 7, &count_, reason_), HVE_OK);
      EXPECT_TRUE(std::equal((*logits)->begin(), (*logits)->end(), logits_, logits_ + count_));
    }
  }
}

TEST_F(CApiClassifier, GivesAsManyAsAskedFor) {
  ASSERT_EQ(hve_classifier_classify(handle_, &image_, 2, predictions_, 7, &count_, reason_),
            HVE_OK);
  EXPECT_EQ(count_, 2U);
  ASSERT_EQ(hve_classifier_classify(handle_, &image_, 1000, predictions_, 7, &count_, reason_),
            HVE_OK);
  EXPECT_EQ(count_, 7U);
  std::size_t classes = 0;
  EXPECT_EQ(hve_classifier_class_count(handle_, &classes, reason_), HVE_OK);
  EXPECT_EQ(classes, 7U);
}

TEST_F(CApiClassifier, ReportsTheRoomItNeeds) {
  EXPECT_EQ(classify(&image_, 6), HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(count_, 7U);
  EXPECT_EQ(predictions_[0].label, nullptr);
  EXPECT_EQ(reason_.text(),
            "[hve_classifier_classify] expected a capacity of at least 7, got 6; pass a larger "
            "buffer");
  EXPECT_EQ(hve_classifier_classify(handle_, &image_, 7, nullptr, 0, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 7U);
  EXPECT_EQ(hve_classifier_classify(handle_, &image_, 7, nullptr, 7, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(count_, 0U);
  EXPECT_EQ(hve_classifier_logits(handle_, &image_, logits_, 6, &count_, reason_),
            HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(count_, 7U);
  EXPECT_EQ(hve_classifier_logits(handle_, &image_, nullptr, 0, &count_, reason_), HVE_OK);
  EXPECT_EQ(count_, 7U);
}

TEST_F(CApiClassifier, RefusesArgumentsThatCannotBe) {
  EXPECT_EQ(hve_classifier_classify(handle_, &image_, 0, predictions_, 7, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_classifier_classify(handle_, &image_, -1, predictions_, 7, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_classifier_classify(handle_, &image_, 1, predictions_, 7, nullptr, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_classifier_classify(handle_, nullptr, 1, predictions_, 7, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected an image, got NULL");
  EXPECT_EQ(hve_classifier_logits(handle_, &image_, logits_, 7, nullptr, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_classifier_class_count(handle_, nullptr, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_classifier_session(handle_, nullptr, reason_), HVE_INVALID_ARGUMENT);
}

TEST_F(CApiClassifier, RefusesImagesWithoutPixels) {
  hve_image image = image_;
  image.planes[0].data = nullptr;
  expect_refused(image, "expected pixels, got a null pointer");
  image = image_;
  image.planes[0].size = 0;
  expect_refused(image, "got a buffer of 0 bytes");
  for (const int side : {0, -1, (1 << 20) + 1}) {
    image = image_;
    image.width = side;
    expect_refused(image, "expected sides of 1 to");
    image = image_;
    image.height = side;
    expect_refused(image, "expected sides of 1 to");
  }
}

TEST_F(CApiClassifier, RefusesStridesThatLeaveTheBuffer) {
  hve_image image = image_;
  image.planes[0].row_stride = 179;
  expect_refused(image, "expected row_stride_bytes of at least 180");
  image.planes[0].row_stride = 181;
  expect_refused(image, "expected 50 rows of 180 bytes, 181 bytes apart, got a buffer of 9000");
  image.planes[0].row_stride = SIZE_MAX;
  expect_refused(image, "check the plane's size and stride");
  image.planes[0].row_stride = 180;
  image.planes[0].size = 8999;
  expect_refused(image, "got a buffer of 8999");
  image.planes[0].row_stride = SIZE_MAX;
  image.planes[0].size = 180;
  image.height = 1;
  EXPECT_EQ(classify(&image), HVE_OK) << reason_.text();
  image = image_;
  image.planes[0].pixel_stride = 4;
  expect_refused(image, "expected a pixel_stride of 3 or 0, got 4");
  image.planes[0].pixel_stride = 3;
  EXPECT_EQ(classify(&image), HVE_OK) << reason_.text();
}

TEST_F(CApiClassifier, RefusesUnknownValues) {
  for (const int format : {-1, 7, 1 << 30}) {
    hve_image image = image_;
    image.format = format;
    expect_refused(image, "expected one of HVE_FORMAT_");
  }
  hve_image image = image_;
  image.rotation = 45;
  expect_refused(image, "expected a rotation of 0, 90, 180 or 270 degrees, got 45");
  for (const int mirror : {-1, 2}) {
    image = image_;
    image.mirror = mirror;
    expect_refused(image, "expected mirror 0 or 1, got");
  }
  for (const int color : {-1, 5}) {
    image = image_;
    image.color = color;
    expect_refused(image, "expected one of HVE_COLOR_..., got");
  }
  image = image_;
  image.color = HVE_COLOR_BT709_VIDEO;
  expect_refused(image, "expected HVE_COLOR_DEFAULT, got 4, which is for YUV");
  image = image_;
  image.planes[2].data = bytes_.data();
  expect_refused(image, "expected one plane, got data in plane 2");
}

TEST_F(CApiClassifier, ReadsStructsOfOtherVersions) {
  struct Newer {
    hve_image image;
    std::uint64_t unknown = 0;
  } newer{image_};
  newer.image.struct_size = sizeof(newer);
  EXPECT_EQ(classify(&newer.image), HVE_OK) << reason_.text();
  newer.unknown = 1;
  expect_refused(newer.image, "members that this library does not know");
  hve_image image = image_;
  image.struct_size = sizeof(image) - 1;
  expect_refused(image, "expected a struct_size of");
  image.struct_size = 0;
  expect_refused(image, "got 0; set it to sizeof the struct");
  image.struct_size = SIZE_MAX;
  expect_refused(image, "expected a struct_size of");
}

TEST_F(CApiClassifier, LendsItsSession) {
  hve_session* session = nullptr;
  ASSERT_EQ(hve_classifier_session(handle_, &session, reason_), HVE_OK);
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  EXPECT_EQ(hve_session_self_test(session, &result, reason_), HVE_OK) << reason_.text();
  EXPECT_EQ(result.passed, 1);
  hve_session* copy = session;
  EXPECT_EQ(hve_session_close(&copy, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(copy, session);
  EXPECT_PRED2(contains, reason_.text(), "close the classifier");
  EXPECT_EQ(classify(&image_), HVE_OK);
}

TEST_F(CApiClassifier, RefusesOtherHandles) {
  auto* session = reinterpret_cast<hve_session*>(handle_);
  std::int64_t value = 0;
  EXPECT_EQ(hve_session_integer(session, 0, &value, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a session, got a classifier");
  EXPECT_EQ(hve_session_close(&session, reason_), HVE_INVALID_ARGUMENT);
  const testing::OwnedSession other = testing::open_session(testing::tiny_path());
  auto* classifier = reinterpret_cast<hve_classifier*>(other.get());
  EXPECT_EQ(hve_classifier_class_count(classifier, &count_, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a classifier, got a session");
  EXPECT_EQ(hve_classifier_close(&classifier, reason_), HVE_INVALID_ARGUMENT);
  alignas(16) char foreign[4096] = {};
  classifier = reinterpret_cast<hve_classifier*>(foreign);
  EXPECT_EQ(hve_classifier_class_count(classifier, &count_, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "something that is not a handle or was closed");
  classifier = reinterpret_cast<hve_classifier*>(foreign + 1);
  EXPECT_EQ(hve_classifier_class_count(classifier, &count_, reason_), HVE_INVALID_ARGUMENT);
}

TEST_F(CApiClassifier, IsNullOnceClosed) {
  hve_classifier* handle = owned_.release();
  EXPECT_EQ(hve_classifier_close(&handle, reason_), HVE_OK);
  EXPECT_EQ(handle, nullptr);
  EXPECT_EQ(hve_classifier_close(&handle, reason_), HVE_OK);
  EXPECT_EQ(hve_classifier_close(nullptr, reason_), HVE_OK);
  EXPECT_EQ(hve_classifier_classify(handle, &image_, 1, predictions_, 7, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected a classifier, got NULL");
  EXPECT_EQ(hve_classifier_logits(handle, &image_, logits_, 7, &count_, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_classifier_class_count(handle, &count_, reason_), HVE_INVALID_ARGUMENT);
  hve_session* session = reinterpret_cast<hve_session*>(&image_);
  EXPECT_EQ(hve_classifier_session(handle, &session, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(session, nullptr);
}

TEST_F(CApiClassifier, LabelsOutliveTheCall) {
  ASSERT_EQ(classify(&image_), HVE_OK);
  const hve_prediction first = predictions_[0];
  const std::string label(first.label);
  ASSERT_EQ(classify(&image_), HVE_OK);
  EXPECT_EQ(predictions_[0].label, first.label);
  EXPECT_EQ(label, first.label);
}

TEST_F(CApiClassifier, ServesThreadsOneAfterTheOther) {
  ASSERT_EQ(classify(&image_), HVE_OK);
  const int best = predictions_[0].index;
  std::vector<int> same(4, 0);
  std::vector<std::thread> threads;
  for (int& count : same) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        hve_prediction found;
        std::size_t found_count = 0;
        const hve_status status =
            hve_classifier_classify(handle_, &image_, 1, &found, 1, &found_count, nullptr);
        count += status == HVE_OK && found.index == best ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(4, 25));
}

TEST(CApiClassifierOpen, RefusesModelsThatAreNoClassifiers) {
  hve_options later = HVE_OPTIONS_INIT;
  later.prepare_later = 1;  // no native program has an integer output
  for (const char* name : {testing::kTwoOutputs, "integer_output_v1.pte"}) {
    Reason reason;
    hve_classifier* handle = nullptr;
    EXPECT_EQ(hve_classifier_open(data_path(name).c_str(), &later, &handle, reason),
              HVE_INVALID_ARTIFACT);
    EXPECT_EQ(handle, nullptr);
    EXPECT_PRED2(contains, reason.text(), "use Session for other models");
  }
}

TEST(CApiClassifierOpen, OpensFromMemory) {
  std::vector<std::uint8_t> artifact = testing::read_file(testing::tiny_path());
  artifact.insert(artifact.begin(), 0);  // copied, so its alignment does not matter
  Reason reason;
  hve_classifier* handle = nullptr;
  ASSERT_EQ(hve_classifier_open_memory(artifact.data() + 1, artifact.size() - 1, nullptr, &handle,
                                       reason),
            HVE_OK)
      << reason.text();
  const testing::OwnedClassifier owned(handle);
  std::fill(artifact.begin(), artifact.end(), std::uint8_t{0});
  const std::vector<std::uint8_t> bytes = testing::some_bytes(3 * 8 * 8);
  const hve_image image = testing::rgb_image(bytes, 8, 8);
  hve_prediction best;
  std::size_t count = 0;
  EXPECT_EQ(hve_classifier_classify(handle, &image, 1, &best, 1, &count, reason), HVE_OK)
      << reason.text();
}

}  // namespace
}  // namespace hvit_edge
