#include "cache_model.h"

#include <stdlib.h>
#include <string.h>

enum { KIB = 1024, MIB = 1024 * KIB };

/* Arm's technical reference manuals of the cores, and the sizes that these chips have. The last
 * level of the first three is the L3 of their cluster, Apple's is the cache of the whole chip. */
static const struct {
  const char* name;
  uint32_t line;
  struct {
    uint32_t bytes, ways;
  } levels[CACHE_LEVELS];
} kCores[CACHED_CORES] = {
    {"Cortex-A55", 64, {{32 * KIB, 4}, {128 * KIB, 4}, {2 * MIB, 16}}}, /* Snapdragon 855 */
    {"Cortex-A76", 64, {{64 * KIB, 4}, {512 * KIB, 8}, {2 * MIB, 16}}}, /* Snapdragon 855 */
    {"Cortex-X1", 64, {{64 * KIB, 4}, {1 * MIB, 8}, {4 * MIB, 16}}},    /* Snapdragon 888 */
    {"Apple M1", 128, {{128 * KIB, 8}, {12 * MIB, 12}, {8 * MIB, 16}}},
};

/* The lines of a set are in the order of their last use, the newest first. */
struct level {
  uint64_t* lines;
  uint32_t ways, sets;
};

static struct level levels[CACHED_CORES][CACHE_LEVELS];
static uint64_t newest[CACHED_CORES]; /* the line that was accessed last */
static struct cache_misses missed;

int caches_reset(void) {
  memset(&missed, 0, sizeof missed);
  for (int core = 0; core < CACHED_CORES; ++core) {
    newest[core] = UINT64_MAX;
    for (int i = 0; i < CACHE_LEVELS; ++i) {
      struct level* level = &levels[core][i];
      const uint32_t count = kCores[core].levels[i].bytes / kCores[core].line;
      level->ways = kCores[core].levels[i].ways;
      level->sets = count / level->ways;
      if (level->lines == NULL) level->lines = malloc(count * sizeof *level->lines);
      if (level->lines == NULL) return 0;
      memset(level->lines, 0xff, count * sizeof *level->lines); /* no line has this number */
    }
  }
  return 1;
}

/* Makes a line the newest of its set. Returns whether it was there. */
static int use(struct level* level, uint64_t line) {
  uint64_t* set = level->lines + line % level->sets * level->ways;
  uint32_t place = 0;
  while (place + 1 < level->ways && set[place] != line) ++place;
  const int found = set[place] == line;
  memmove(set + 1, set, place * sizeof *set);
  set[0] = line;
  return found;
}

static void touch_line(int core, uint64_t line) {
  if (line == newest[core]) return;
  newest[core] = line;
  for (int i = 0; i < CACHE_LEVELS; ++i) {
    if (use(&levels[core][i], line)) return;
    ++missed.of[core][i];
  }
}

void caches_touch(uint64_t address, uint32_t bytes) {
  for (int core = 0; core < CACHED_CORES; ++core) {
    const uint64_t last = (address + bytes - 1) / kCores[core].line;
    for (uint64_t line = address / kCores[core].line; line <= last; ++line) touch_line(core, line);
  }
}

const struct cache_misses* caches_missed(void) { return &missed; }

const char* cached_core_name(int core) { return kCores[core].name; }

uint32_t cache_line_bytes(int core) { return kCores[core].line; }
