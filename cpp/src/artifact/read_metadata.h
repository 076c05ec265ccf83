// Reads metadata from a program.
#pragma once

#include "executorch/program.h"
#include "hvit_edge/metadata.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// Refuses newer schemas first, then lists every missing, mistyped or impossible field at once.
Result<Metadata> read_metadata(Program& program);

}  // namespace hvit_edge
