// The number of threads of inference. The pool belongs to the complete process, not to a Session.
#pragma once

#include "hvit_edge/status.h"

namespace hvit_edge {

/// Sets the number of threads of the process: 1 to 1024, or 0 for auto_threads(). The last call
/// wins. Waits until no Session is running. Loaded Sessions adapt at their next run.
Status set_threads(int count);

/// Returns the number of threads in use.
int threads();

/// Returns the number of physical cores that this process may use: those of its CPU affinity,
/// within its cgroup quota. If the cores differ in speed, only the fast ones count: those with at
/// least half the capacity of the fastest (Linux, Android), with four fifths of the highest
/// frequency if the system knows no capacities, or the performance cores (Apple).
int auto_threads();

}  // namespace hvit_edge
