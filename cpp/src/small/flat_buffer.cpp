#include "small/flat_buffer.h"

#include <algorithm>

namespace hvit_edge::small {
namespace {

constexpr std::size_t kOffset = sizeof(std::uint32_t);
constexpr std::size_t kListHeader = 2 * sizeof(std::uint16_t);  // the sizes of list and table

}  // namespace

void FlatBuffer::require(bool holds, const char* otherwise) {
  if (!holds && fault_.empty()) fault_ = otherwise;
}

bool FlatBuffer::claim(std::size_t place, std::size_t size) {
  require(has(place, size), "an object beyond its end");
  if (!ok()) return false;
  claimed_ += size;
  require(claimed_ <= size_, "objects that overlap");
  if (!ok()) return false;
  objects_.emplace_back(place, place + size);
  return true;
}

void FlatBuffer::check_overlaps() {
  std::sort(objects_.begin(), objects_.end());
  for (std::size_t i = 1; i < objects_.size(); ++i) {
    require(objects_[i - 1].second <= objects_[i].first, "objects that overlap");
  }
}

std::size_t FlatBuffer::follow(std::size_t place) {
  const auto offset = number_at<std::uint32_t>(place);
  require(offset >= kOffset && has(place, offset), "an offset beyond its end");
  return ok() ? place + offset : 0;
}

FlatTable FlatBuffer::root() { return table_at(follow(0)); }

FlatTable FlatBuffer::table_at(std::size_t place) {
  const auto back = static_cast<std::int64_t>(number_at<std::int32_t>(place));
  const std::int64_t list = static_cast<std::int64_t>(place) - back;
  require(list >= 0, "a table whose fields are before its beginning");
  if (!ok()) return {};
  FlatTable table;
  table.fields_ = static_cast<std::size_t>(list);
  const auto list_size = number_at<std::uint16_t>(table.fields_);
  table.size_ = number_at<std::uint16_t>(table.fields_ + sizeof(list_size));
  require(list_size >= kListHeader && list_size % 2 == 0 && table.size_ >= kOffset,
          "a table without a list of fields");
  if (!ok() || !claim(place, table.size_)) return {};
  if (field_lists_.insert(table.fields_).second && !claim(table.fields_, list_size)) return {};
  table.buffer_ = this;
  table.place_ = place;
  table.field_count_ = (list_size - kListHeader) / sizeof(std::uint16_t);
  return table;
}

Bytes FlatBuffer::vector_at(std::size_t place, std::size_t item_size, std::size_t after) {
  const std::size_t start = follow(place);
  const auto count = number_at<std::uint32_t>(start);
  if (!ok() || count > size_ / item_size) {
    require(false, "a vector beyond its end");
    return {};
  }
  const std::size_t size = count * item_size;
  if (!claim(start, kOffset + size + after)) return {};
  return {data_ + start + kOffset, size};
}

std::size_t FlatTable::place_of(int field, std::size_t size) const {
  const auto index = static_cast<std::size_t>(field);
  if (buffer_ == nullptr || !buffer_->ok() || index >= field_count_) return 0;
  const auto offset = buffer_->number_at<std::uint16_t>(fields_ + kListHeader + 2 * index);
  if (offset == 0) return 0;
  buffer_->require(offset >= kOffset && offset + size <= size_, "a field beyond its table");
  return buffer_->ok() ? place_ + offset : 0;
}

FlatTable FlatTable::table(int field) const {
  const std::size_t place = place_of(field, kOffset);
  if (place == 0) return {};
  const std::size_t target = buffer_->follow(place);
  return buffer_->ok() ? buffer_->table_at(target) : FlatTable();
}

std::vector<FlatTable> FlatTable::tables(int field) const {
  const std::size_t place = place_of(field, kOffset);
  if (place == 0) return {};
  const Bytes offsets = buffer_->vector_at(place, kOffset, 0);
  std::vector<FlatTable> tables;
  if (offsets.size == 0) return tables;
  const auto first = static_cast<std::size_t>(offsets.data - buffer_->data_);
  for (std::size_t at = 0; at < offsets.size && buffer_->ok(); at += kOffset) {
    const std::size_t target = buffer_->follow(first + at);
    if (buffer_->ok()) tables.push_back(buffer_->table_at(target));
  }
  if (!buffer_->ok()) tables.clear();
  return tables;
}

std::string_view FlatTable::text(int field) const {
  const std::size_t place = place_of(field, kOffset);
  if (place == 0) return {};
  const Bytes bytes = buffer_->vector_at(place, 1, 1);
  if (bytes.data == nullptr) return {};
  buffer_->require(bytes.data[bytes.size] == '\0', "a text without an end");
  return {bytes.data, bytes.size};
}

Bytes FlatTable::bytes(int field, std::size_t alignment) const {
  const std::size_t place = place_of(field, kOffset);
  if (place == 0) return {};
  const Bytes bytes = buffer_->vector_at(place, 1, 0);
  if (bytes.size == 0) return {};
  const auto offset = static_cast<std::size_t>(bytes.data - buffer_->data_);
  buffer_->require(offset % alignment == 0, "data that is not aligned");
  return bytes;
}

}  // namespace hvit_edge::small
