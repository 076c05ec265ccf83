// Reads metadata from a program.
#pragma once

#include <string>

#include "engine/program.h"
#include "hvit_edge/metadata.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// Reads the metadata of the selected entry. Refuses newer schemas first, then lists every missing,
/// mistyped or impossible field at once.
///
/// `method` is the name of the entry in the list of methods; empty for the first one.
Result<Metadata> read_metadata(Program& program, const std::string& method = "");

}  // namespace hvit_edge
