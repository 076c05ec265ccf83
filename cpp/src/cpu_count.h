// How many cores this process should compute on.
#pragma once

namespace hvit_edge {

/// At least 1; threads.h states the rule.
int count_fast_cores();

}  // namespace hvit_edge
