#include "artifact/seal.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "artifact/crc32.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr std::size_t kSealSize = 32;
constexpr char kMagic[] = "HVITEDGE";
constexpr std::size_t kMagicSize = 8;
constexpr std::uint32_t kContainerVersion = 1;
// The offset at which every ExecuTorch program has its magic, "ET" and two digits.
constexpr std::size_t kProgramMagic = 4;

template <typename T>
T little_endian(const std::uint8_t* bytes) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) value = static_cast<T>((value << 8) | bytes[i]);
  return value;
}

Status damaged(const std::string& message) {
  return Status(StatusCode::invalid_artifact, "[Session.load] " + message);
}

Status no_seal(const std::uint8_t* bytes, std::size_t size, const std::string& name) {
  const bool program =
      size >= kProgramMagic + 2 && bytes[kProgramMagic] == 'E' && bytes[kProgramMagic + 1] == 'T';
  if (program) {
    return damaged(
        concat("expected an artifact with a seal, got ", name, " (", size,
               " bytes), an ExecuTorch program without one: the file is truncated or was "
               "not written by hvit-edge; copy it again or compile it with hvit-edge"));
  }
  return damaged(concat("expected an hvit-edge artifact, got ", name, " (", size,
                        " bytes), which is something else; compile a model with hvit-edge"));
}

}  // namespace

Result<std::size_t> check_seal(const void* data, std::size_t size, const std::string& name) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  if (size <= kSealSize) return no_seal(bytes, size, name);
  const std::size_t body = size - kSealSize;
  const std::uint8_t* seal = bytes + body;
  if (std::memcmp(seal, kMagic, kMagicSize) != 0) return no_seal(bytes, size, name);

  const auto version = little_endian<std::uint32_t>(seal + 8);
  if (version > kContainerVersion) {
    return Status(StatusCode::unsupported_version,
                  concat("[Session.load] expected container version ", kContainerVersion, ", got ",
                         version, " in ", name, "; update hvit-edge"));
  }
  const bool rest_is_zero = little_endian<std::uint64_t>(seal + 24) == 0;
  if (version != kContainerVersion || !rest_is_zero) {
    return damaged(concat("expected an intact seal, got a damaged one in ", name,
                          "; copy or compile it again"));
  }
  const auto length = little_endian<std::uint64_t>(seal + 16);
  if (length != body) {
    return damaged(concat("expected ", length, " bytes before the seal, got ", body, " in ", name,
                          ": the file was truncated or extended; copy or compile it again"));
  }
  if (crc32(bytes, body) != little_endian<std::uint32_t>(seal + 12)) {
    return damaged(concat("expected the checksum of the seal, got another one for ", name,
                          ": the file was altered; copy or compile it again"));
  }
  return body;
}

}  // namespace hvit_edge
