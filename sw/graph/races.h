// SPDX-License-Identifier: Apache-2.0
// Who touches a variable in which order.
//
// Firing t of node a comes before firing t' of node b in every schedule if t' - t >= D(a, b), the
// smallest sum of delays over all paths of data and control edges from a to b. So two accesses are
// ordered, each firing of one against each of the other, exactly if D(a, b) + D(b, a) <= 1.
#ifndef NNGEN_GRAPH_RACES_H
#define NNGEN_GRAPH_RACES_H

#include "sw/graph/graph.h"

// Part of graph_verify: two unordered assigns to one variable are an error unless their functions
// commute with themselves and with each other (add and sub; min; max).
bool races_verify(const struct graph *g, struct err *e);

// True if every schedule gives the same bits: no read and assign of one variable are unordered, and
// no two unordered float additions, which commute but don't associate.
bool races_none(const struct graph *g, struct err *e);

#endif
