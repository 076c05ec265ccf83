// Where counting begins and ends: cpp/qemu/count_instructions.c looks for these two names.
#pragma once

extern "C" {
void hvit_edge_count_begin();
void hvit_edge_count_end();
}
