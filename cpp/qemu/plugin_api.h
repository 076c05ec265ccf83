/* The part of QEMU's plugin interface that count_instructions.c uses. Debian's qemu-user ships no
 * header, so the few functions are declared here from QEMU's documentation:
 * https://www.qemu.org/docs/master/devel/tcg-plugins.html
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t; /* nothing of it is used */
struct qemu_plugin_tb;                  /* a translation block: guest code up to the next branch */
struct qemu_plugin_insn;                /* one instruction of it */

/* Says whether a callback uses the CPU's registers. */
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

/* What a plugin defines: the version of the interface, and where QEMU begins. */
extern int qemu_plugin_version;
int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv);

/* Called when a block is translated. */
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb* tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t cb);

/* Called whenever the block is executed. */
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int vcpu_index, void* userdata);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* tb, qemu_plugin_vcpu_udata_cb_t cb,
                                          enum qemu_plugin_cb_flags flags, void* userdata);

/* Which accesses of an instruction are reported. */
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };
typedef uint32_t qemu_plugin_meminfo_t;

/* Called for each access of memory. QEMU may report one of 16 bytes as two of 8. */
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned int vcpu_index, qemu_plugin_meminfo_t info,
                                          uint64_t address, void* userdata);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn* insn, qemu_plugin_vcpu_mem_cb_t cb,
                                      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw,
                                      void* userdata);
/* Returns the binary logarithm of the number of bytes. */
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);

/* Called when the guest's process ends. */
typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t id, void* userdata);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void* userdata);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* tb);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* tb, size_t index);
/* Returns the function's name if the executable has a symbol table, else null. */
const char* qemu_plugin_insn_symbol(const struct qemu_plugin_insn* insn);
/* Returns the instruction's address in QEMU's address space (user-mode emulation). */
void* qemu_plugin_insn_haddr(const struct qemu_plugin_insn* insn);

/* Only in QEMU 9 and newer, which takes plugins of version 2; older ones take version 1. */
void qemu_plugin_scoreboard_new(void) __attribute__((weak));
