// Which runtime the tests are linked with. Only this file is compiled differently for both, so that
// a compiler cache has the objects of the other ones for both trees.
#include "artifact.h"

namespace hvit_edge::testing {

#if defined(HVIT_EDGE_SMALL)
const bool kSmall = true;
const char* const kTarget = "native";
const char* const kBackend = "HvitEdgeBackend";
const char* const kTiny = "tiny_native_v1.pte";
const char* const kTwoOutputs = "two_outputs_native_v1.pte";
const char* const kEmbed = "native_embed_v2.pte";
const char* const kSegment = "native_segment_v2.pte";
const char* const kDetect = "native_detect_v2.pte";
#else
const bool kSmall = false;
const char* const kTarget = "xnnpack";
const char* const kBackend = "XnnpackBackend";
const char* const kTiny = "tiny_v1.pte";
const char* const kTwoOutputs = "two_outputs_v1.pte";
const char* const kEmbed = "embed_v2.pte";
const char* const kSegment = "segment_v2.pte";
const char* const kDetect = "detect_v2.pte";
#endif

}  // namespace hvit_edge::testing
