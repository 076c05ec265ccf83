/* A QEMU plugin that counts the guest instructions of one inference:
 *
 *   qemu-aarch64 -L /usr/aarch64-linux-gnu -plugin count_instructions.so,out=count.json \
 *     hvit_edge_runner count model.pte
 *
 * It counts what the thread that calls hvit_edge_count_begin() executes until it calls
 * hvit_edge_count_end(). The file gets {"instructions":N,"groups":{...},"classes":{...},
 * "reads":[...]}. A group is the mapped object that contains the code, and a class is the part of
 * the core that an instruction occupies. These counts are of the first such stretch. "reads" are of
 * all stretches; the runner has a second one, whose operators are timed. They say how many
 * instructions had been executed at each call of hvit_edge_count_read().
 *
 * With the argument caches=on, it also models data caches (cache_model.h), which see all accesses
 * after the first call of hvit_edge_count_begin(), also those between stretches. "misses" are those
 * of the last stretch: [core][level]. "missed" has the misses of each stretch before each read, as
 * "reads" has the instructions.
 *
 * With the argument start=on, it counts what the first thread executes before it first calls
 * hvit_edge_count_begin(): the start of the process and the loading of the model.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_model.h"
#include "instruction_class.h"
#include "mapped_objects.h"
#include "plugin_api.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int qemu_plugin_version;

enum { MAX_READS = 65536 };

/* What a translated block adds whenever it is executed. QEMU keeps it as long as the block. If it
 * translates a block again, a few bytes are lost. */
struct block {
  int group;
  uint32_t instructions;
  uint32_t classes[CLASS_COUNT];
};

struct totals {
  uint64_t groups[GROUP_COUNT];
  uint64_t classes[CLASS_COUNT];
};

static const char* output_path;
static struct totals counted;
static struct totals first;
static uint64_t reads[MAX_READS];
static int read_count;
static unsigned int counted_cpu;
static volatile bool counting;
static bool began;
static bool ended;
static bool counts_start;
static bool models_caches;
static struct cache_misses missed_before; /* the last stretch */
static struct cache_misses missed_in;     /* the last stretch */
static struct cache_misses* missed_at;    /* the reads */

/* QEMU reads the version after loading the plugin, so it can suit either generation. */
__attribute__((constructor)) static void choose_version(void) {
  qemu_plugin_version = qemu_plugin_scoreboard_new != NULL ? 2 : 1;
}

static void begin(unsigned int cpu, void* unused) {
  (void)unused;
  if (counts_start && !began) {
    first = counted;
    ended = true;
  }
  counted_cpu = cpu;
  missed_before = *caches_missed();
  began = true;
  counting = true;
}

static struct cache_misses missed_since_begin(void) {
  struct cache_misses since = *caches_missed();
  for (int core = 0; core < CACHED_CORES; ++core) {
    for (int i = 0; i < CACHE_LEVELS; ++i) since.of[core][i] -= missed_before.of[core][i];
  }
  return since;
}

static void end(unsigned int cpu, void* unused) {
  (void)unused;
  if (!counting || cpu != counted_cpu) return;
  counting = false;
  missed_in = missed_since_begin();
  if (!ended) first = counted;
  ended = true;
}

static uint64_t sum(const uint64_t* numbers, int count) {
  uint64_t total = 0;
  for (int i = 0; i < count; ++i) total += numbers[i];
  return total;
}

static void note_read(unsigned int cpu, void* unused) {
  (void)unused;
  if (!counting || cpu != counted_cpu) return;
  if (read_count < MAX_READS) {
    reads[read_count] = sum(counted.groups, GROUP_COUNT);
    if (models_caches) missed_at[read_count] = missed_since_begin();
  }
  ++read_count;
}

static void count_block(unsigned int cpu, void* executed) {
  if (!counting || cpu != counted_cpu) return;
  const struct block* block = executed;
  counted.groups[block->group] += block->instructions;
  for (int i = 0; i < CLASS_COUNT; ++i) counted.classes[i] += block->classes[i];
}

static void access_memory(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address,
                          void* unused) {
  (void)unused;
  if (!began || cpu != counted_cpu) return;
  caches_touch(address, UINT32_C(1) << qemu_plugin_mem_size_shift(info));
}

static void watch_memory(struct qemu_plugin_tb* tb) {
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); ++i) {
    qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), access_memory,
                                     QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
  }
}

static struct block* describe(struct qemu_plugin_tb* tb) {
  struct block* block = calloc(1, sizeof *block);
  if (block == NULL) abort(); /* a count that misses a block is worse than none */
  block->group = group_of(qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0)));
  block->instructions = qemu_plugin_tb_n_insns(tb);
  for (uint32_t i = 0; i < block->instructions; ++i) {
    uint32_t instruction; /* where QEMU itself has it, little endian as this machine */
    memcpy(&instruction, qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, i)), 4);
    ++block->classes[class_of(instruction)];
  }
  return block;
}

static void instrument(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  const char* symbol = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(tb, 0));
  if (symbol != NULL && strcmp(symbol, "hvit_edge_count_begin") == 0) {
    qemu_plugin_register_vcpu_tb_exec_cb(tb, begin, QEMU_PLUGIN_CB_NO_REGS, NULL);
    return;
  }
  if (symbol != NULL && strcmp(symbol, "hvit_edge_count_end") == 0) {
    qemu_plugin_register_vcpu_tb_exec_cb(tb, end, QEMU_PLUGIN_CB_NO_REGS, NULL);
    return;
  }
  if (symbol != NULL && strcmp(symbol, "hvit_edge_count_read") == 0) {
    qemu_plugin_register_vcpu_tb_exec_cb(tb, note_read, QEMU_PLUGIN_CB_NO_REGS, NULL);
    return;
  }
  /* The runner's detour to the C library's clock: no work of the inference. */
  if (symbol != NULL && strcmp(symbol, "clock_gettime") == 0) return;
  qemu_plugin_register_vcpu_tb_exec_cb(tb, count_block, QEMU_PLUGIN_CB_NO_REGS, describe(tb));
  if (models_caches) watch_memory(tb);
}

static void write_numbers(FILE* file, const uint64_t* numbers, int count,
                          const char* (*name)(int)) {
  for (int i = 0; i < count; ++i) {
    const char* comma = i == 0 ? "" : ",";
    fprintf(file, "%s\"%s\":%llu", comma, name(i), (unsigned long long)numbers[i]);
  }
}

static void write_misses(FILE* file, const struct cache_misses* misses) {
  for (int core = 0; core < CACHED_CORES; ++core) {
    fprintf(file, "%s[", core == 0 ? "[" : ",");
    for (int i = 0; i < CACHE_LEVELS; ++i) {
      fprintf(file, "%s%llu", i == 0 ? "" : ",", (unsigned long long)misses->of[core][i]);
    }
    fprintf(file, "]");
  }
  fprintf(file, "]");
}

static void write_caches(FILE* file) {
  fprintf(file, ",\"caches\":[");
  for (int core = 0; core < CACHED_CORES; ++core) {
    fprintf(file, "%s{\"core\":\"%s\",\"line\":%u}", core == 0 ? "" : ",", cached_core_name(core),
            cache_line_bytes(core));
  }
  fprintf(file, "],\"misses\":");
  write_misses(file, &missed_in);
  fprintf(file, ",\"missed\":[");
  for (int read = 0; read < read_count; ++read) {
    if (read > 0) fprintf(file, ",");
    write_misses(file, &missed_at[read]);
  }
  fprintf(file, "]");
}

static void write_json(FILE* file) {
  const uint64_t total = sum(first.groups, GROUP_COUNT);
  fprintf(file, "{\"instructions\":%llu,\"groups\":{", (unsigned long long)total);
  write_numbers(file, first.groups, GROUP_COUNT, group_name);
  fprintf(file, "},\"classes\":{");
  write_numbers(file, first.classes, CLASS_COUNT, class_name);
  fprintf(file, "},\"reads\":[");
  for (int read = 0; read < read_count; ++read) {
    fprintf(file, "%s%llu", read == 0 ? "" : ",", (unsigned long long)reads[read]);
  }
  fprintf(file, "]");
  if (models_caches) write_caches(file);
  fprintf(file, "}\n");
}

static void report(qemu_plugin_id_t id, void* unused) {
  (void)id;
  (void)unused;
  if (!began || !ended) {
    fprintf(stderr,
            "[count_instructions] expected calls of hvit_edge_count_begin and _end, got %s; run "
            "`hvit_edge_runner count` as the build made it, with these two symbols\n",
            began ? "only the first" : "none");
    return;
  }
  if (read_count > MAX_READS) {
    fprintf(stderr, "[count_instructions] expected at most %d reads of the clock, got %d\n",
            MAX_READS, read_count);
    return;
  }
  FILE* file = fopen(output_path, "w");
  if (file != NULL) write_json(file);
  if (file == NULL || ferror(file) != 0 || fclose(file) != 0) {
    fprintf(stderr, "[count_instructions] expected to write %s, got %s; check out=PATH\n",
            output_path, strerror(errno));
  }
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc,
                                 char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (strncmp(argv[i], "out=", 4) == 0 && argv[i][4] != '\0') output_path = argv[i] + 4;
    if (strcmp(argv[i], "start=on") == 0) counts_start = true;
    if (strcmp(argv[i], "caches=on") == 0) models_caches = true;
  }
  if (output_path == NULL) {
    fprintf(stderr,
            "[count_instructions] expected the argument out=PATH, got none; give it after "
            "the plugin's name and a comma\n");
    return 1;
  }
  if (models_caches) {
    missed_at = calloc(MAX_READS, sizeof *missed_at);
    if (missed_at == NULL || !caches_reset()) {
      fprintf(stderr,
              "[count_instructions] expected memory for caches=on, got none; leave it out\n");
      return 1;
    }
  }
  counting = counts_start;
  qemu_plugin_register_vcpu_tb_trans_cb(id, instrument);
  qemu_plugin_register_atexit_cb(id, report, NULL);
  return 0;
}
