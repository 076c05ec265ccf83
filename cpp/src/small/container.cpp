#include "small/container.h"

#include <cstring>
#include <optional>
#include <utility>

#include "small/read_method.h"
#include "small/schema.h"
#include "text.h"

namespace hvit_edge::small {
namespace {

constexpr std::size_t kIdentifierPlace = 4;
constexpr char kIdentifier[] = "ET12";
constexpr std::size_t kHeaderPlace = 8;
constexpr char kHeaderMagic[] = "eh00";
constexpr std::size_t kHeaderSize = 24;      // magic, length, size of the program, first segment
constexpr std::size_t kLongHeaderSize = 32;  // the same and the size of all segments
constexpr std::size_t kDataAlignment = 16;

Status refuse(const std::string& what) {
  return Status(StatusCode::invalid_artifact,
                concat("[Session.load] expected to read the program, got ", what,
                       "; the program does not fit this runtime; compile it again with this "
                       "version of hvit-edge"));
}

/// The parts of the file.
struct Layout {
  std::size_t program = 0;   // bytes of the flatbuffer at the beginning
  std::size_t segments = 0;  // the place of the first segment
  std::size_t end = 0;       // of the segments
};

template <typename Number>
Number number_at(const char* place) {
  Number value;
  std::memcpy(&value, place, sizeof(value));
  return value;
}

// A file without this header has no segments.
std::optional<Layout> read_layout(const char* data, std::size_t size) {
  Layout layout{size, size, size};
  if (size < kHeaderPlace + kHeaderSize ||
      std::memcmp(data + kHeaderPlace, kHeaderMagic, sizeof(kHeaderMagic) - 1) != 0) {
    return layout;
  }
  const char* header = data + kHeaderPlace;
  const auto length = number_at<std::uint32_t>(header + 4);
  const auto program = number_at<std::uint64_t>(header + 8);
  const auto segments = number_at<std::uint64_t>(header + 16);
  if (length < kHeaderSize || program > size) return std::nullopt;
  layout.program = static_cast<std::size_t>(program);
  if (segments == 0) return layout;
  if (segments < program || segments > size) return std::nullopt;
  layout.segments = static_cast<std::size_t>(segments);
  if (length < kLongHeaderSize || size < kHeaderPlace + kLongHeaderSize) return layout;
  const auto bytes = number_at<std::uint64_t>(header + 24);
  if (bytes == 0) return layout;
  if (bytes > size - segments) return std::nullopt;
  layout.end = static_cast<std::size_t>(segments + bytes);
  return layout;
}

class ContainerReader {
 public:
  ContainerReader(const char* data, Layout layout)
      : data_(data), layout_(layout), buffer_(data, layout.program) {}

  Result<Container> read() {
    const FlatTable program = buffer_.root();
    read_segments(program);
    read_delegate_data(program);
    read_constants(program);
    for (const FlatTable& named : program.tables(schema::Program::named_data)) {
      const std::string key(named.text(schema::NamedData::key));
      container_.named[key] = segment(named.number<std::uint32_t>(schema::NamedData::segment));
    }
    const FindData find_data = [this](bool in_segment, std::size_t index) {
      return in_segment ? segment(index) : delegate_data(index);
    };
    for (const FlatTable& plan : program.tables(schema::Program::methods)) {
      container_.methods.push_back(read_method(buffer_, plan, find_data));
    }
    if (buffer_.ok()) buffer_.check_overlaps();
    if (!buffer_.ok()) return refuse(buffer_.fault());
    return std::move(container_);
  }

 private:
  void read_segments(const FlatTable& program) {
    std::uint64_t next = 0;  // segments are sorted by their place
    for (const FlatTable& segment : program.tables(schema::Program::segments)) {
      const auto offset = segment.number<std::uint64_t>(schema::DataSegment::offset);
      const auto size = segment.number<std::uint64_t>(schema::DataSegment::size);
      const std::uint64_t room = layout_.end - layout_.segments;
      buffer_.require(offset <= room && size <= room - offset, "a segment beyond its end");
      buffer_.require(offset >= next, "segments that overlap");
      if (!buffer_.ok()) return;
      segments_.push_back({data_ + layout_.segments + offset, static_cast<std::size_t>(size)});
      next = offset + size;
    }
  }

  Bytes segment(std::size_t index) {
    buffer_.require(index < segments_.size(), "the number of a segment that it lacks");
    return buffer_.ok() ? segments_[index] : Bytes();
  }

  Bytes delegate_data(std::size_t index) {
    buffer_.require(index < delegate_data_.size(), "the number of delegate data that it lacks");
    return buffer_.ok() ? delegate_data_[index] : Bytes();
  }

  void read_delegate_data(const FlatTable& program) {
    for (const FlatTable& data : program.tables(schema::Program::delegate_data)) {
      delegate_data_.push_back(data.bytes(schema::DelegateData::data, kDataAlignment));
    }
  }

  // They are in the flatbuffer or in a segment.
  void read_constants(const FlatTable& program) {
    for (const FlatTable& constant : program.tables(schema::Program::constants)) {
      container_.constants.push_back(constant.bytes(schema::Buffer::storage, kDataAlignment));
    }
    const FlatTable stored = program.table(schema::Program::constant_segment);
    const auto offsets = stored.numbers<std::uint64_t>(schema::SubsegmentOffsets::offsets);
    if (offsets.empty()) return;
    buffer_.require(container_.constants.empty(), "constants at two places");
    const Bytes all = segment(stored.number<std::uint32_t>(schema::SubsegmentOffsets::segment));
    if (!buffer_.ok()) return;
    buffer_.require(static_cast<std::size_t>(all.data - data_) % kDataAlignment == 0,
                    "data that is not aligned");
    for (const std::uint64_t offset : offsets) {
      buffer_.require(offset <= all.size && offset % kDataAlignment == 0,
                      "constants beyond their segment");
      if (!buffer_.ok()) return;
      const auto start = static_cast<std::size_t>(offset);
      container_.constants.push_back({all.data + start, all.size - start});
    }
  }

  const char* data_;
  Layout layout_;
  FlatBuffer buffer_;
  std::vector<Bytes> segments_;
  std::vector<Bytes> delegate_data_;
  Container container_;
};

}  // namespace

Result<Container> read_container(const void* data, std::size_t size) {
  const char* bytes = static_cast<const char*>(data);
  if (size < kHeaderPlace || std::memcmp(bytes + kIdentifierPlace, kIdentifier, 4) != 0) {
    return refuse("another kind of file");
  }
  const std::optional<Layout> layout = read_layout(bytes, size);
  if (!layout) return refuse("a header whose sizes do not fit");
  return ContainerReader(bytes, *layout).read();
}

}  // namespace hvit_edge::small
