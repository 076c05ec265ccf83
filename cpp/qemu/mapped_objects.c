#include "mapped_objects.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MAX_OBJECTS = 4096, MAX_LINE = 4352 };

struct object {
  uintptr_t start;
  uintptr_t end;
  int group;
};

static struct object objects[MAX_OBJECTS];
static int object_count;

static int has_prefix(const char* text, const char* prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int group_of_file(const char* path) {
  const char* name = strrchr(path, '/');
  name = name == NULL ? path : name + 1;
  if (has_prefix(name, "hvit_edge")) return GROUP_RUNNER;
  if (has_prefix(name, "libexecutorch_backend_xnnpack")) return GROUP_XNNPACK;
  if (has_prefix(name, "libexecutorch")) return GROUP_EXECUTORCH;
  if (has_prefix(name, "onnxruntime_pybind11_state") || has_prefix(name, "libpywrap_litert")) {
    return GROUP_PEER;
  }
  /* The loader as well: it binds functions at their first call. */
  if (has_prefix(name, "libc.so") || has_prefix(name, "libc-") || has_prefix(name, "libm.so") ||
      has_prefix(name, "libm-") || has_prefix(name, "ld-linux")) {
    return GROUP_LIBC;
  }
  return GROUP_OTHER;
}

/* The kernel's list holds the guest's files too: QEMU maps them into its own address space. */
static void read_objects(void) {
  FILE* maps = fopen("/proc/self/maps", "r");
  if (maps == NULL) return;
  object_count = 0;
  char line[MAX_LINE];
  while (object_count < MAX_OBJECTS && fgets(line, sizeof(line), maps) != NULL) {
    unsigned long start;
    unsigned long end;
    const char* path = strchr(line, '/');
    if (path == NULL || sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
    char* line_end = strchr(line, '\n');
    if (line_end != NULL) *line_end = '\0';
    objects[object_count++] = (struct object){start, end, group_of_file(path)};
  }
  fclose(maps);
}

static const struct object* find(uintptr_t address) {
  for (int i = 0; i < object_count; ++i) {
    if (address >= objects[i].start && address < objects[i].end) return &objects[i];
  }
  return NULL;
}

int group_of(const void* host_address) {
  const uintptr_t address = (uintptr_t)host_address;
  const struct object* object = find(address);
  if (object == NULL) {
    read_objects(); /* a library may have been loaded since */
    object = find(address);
  }
  return object == NULL ? GROUP_OTHER : object->group;
}

const char* group_name(int group) {
  static const char* const names[GROUP_COUNT] = {"runner", "xnnpack", "executorch",
                                                 "peer",   "libc",    "other"};
  return names[group];
}
