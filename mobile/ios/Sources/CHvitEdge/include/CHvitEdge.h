/* The C interface for Swift, and its initial values, because Swift does not see struct macros. */
#ifndef HVIT_EDGE_SWIFT_H
#define HVIT_EDGE_SWIFT_H

#include "hvit_edge/c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

hve_options hvit_edge_options(void);
hve_detect_options hvit_edge_detect_options(void);
hve_image hvit_edge_image(void);
hve_self_test_result hvit_edge_self_test_result(void);

#ifdef __cplusplus
}
#endif

#endif
