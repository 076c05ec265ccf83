// A page runs on one core, whatever the machine has.
#include "engine/cpu_count.h"

namespace hvit_edge {

int count_fast_cores() { return 1; }

}  // namespace hvit_edge
