// Mark where counting begins and ends, and where the clock is read between operators.
// cpp/qemu/count_instructions.c looks for these names.
#pragma once

extern "C" {
void hvit_edge_count_begin();
void hvit_edge_count_end();
void hvit_edge_count_read();
}
