/* Models the data caches of four cores, to count the misses of what a program reads and writes.
 *
 * Each level is set associative, replaces the least recently used line, and gets a line that is
 * written as if it were read. A line that one level misses is looked up in the next. Addresses are
 * virtual, and nothing is fetched ahead of its use: a miss says that a line has to be transferred,
 * not that the core waits for it.
 */
#pragma once

#include <stdint.h>

enum { CACHED_CORES = 4, CACHE_LEVELS = 3 };

struct cache_misses {
  uint64_t of[CACHED_CORES][CACHE_LEVELS];
};

/* Prepares empty caches, also again. Returns 0 if there is no memory for them. */
int caches_reset(void);

/* Lets the program access `bytes` at an address. */
void caches_touch(uint64_t address, uint32_t bytes);

/* Returns the misses since caches_reset(). */
const struct cache_misses* caches_missed(void);

/* Returns such as "Cortex-A76". */
const char* cached_core_name(int core);

/* Returns the bytes of a line. */
uint32_t cache_line_bytes(int core);
