// SPDX-License-Identifier: Apache-2.0
// The verifier's parts; graph_verify in graph.h is the whole.
#ifndef NNGEN_GRAPH_VERIFY_H
#define NNGEN_GRAPH_VERIFY_H

#include "sw/graph/graph.h"

// Types, requantisations, integer constants and tables of one node whose shapes are right.
bool verify_types(const struct graph *g, const struct node *n, struct err *e);

#endif
