/* The version of hvit-edge, from python/hvit_edge/__init__.py. C and C++. */
#ifndef HVIT_EDGE_VERSION_H
#define HVIT_EDGE_VERSION_H

#define HVIT_EDGE_VERSION "0.1.0"
#define HVIT_EDGE_VERSION_MAJOR 0
#define HVIT_EDGE_VERSION_MINOR 1
#define HVIT_EDGE_VERSION_PATCH 0

#endif
