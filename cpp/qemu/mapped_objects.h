/* Finds the library that a piece of guest code belongs to. */
#pragma once

enum {
  GROUP_RUNNER,
  GROUP_XNNPACK,
  GROUP_EXECUTORCH,
  GROUP_PEER, /* another runtime to compare with: benchmarks/arm_peers.py */
  GROUP_LIBC,
  GROUP_OTHER,
  GROUP_COUNT
};

/* Returns the group of the file that is mapped at this address of QEMU's process; GROUP_OTHER if
 * there is none. It is called while QEMU translates, which it does on one thread at a time. */
int group_of(const void* host_address);

/* "runner", "xnnpack", "executorch", "peer", "libc", "other" */
const char* group_name(int group);
