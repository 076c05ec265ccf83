// How many threads inference uses. The pool belongs to the whole process, not to a Session.
#pragma once

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Sets the number of threads of the process: 1 to 1024, or 0 for auto_threads(). The last call
/// wins. Waits until no Session is running; loaded Sessions adapt at their next run.
Status set_threads(int count);

/// The number of threads in use.
int threads();

/// Physical cores that this process may use: those of its CPU affinity, within its cgroup quota,
/// and where the cores differ in speed, those with at least half the capacity of the fastest.
int auto_threads();

}  // namespace hvit_edge
