// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/helper_coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

void coverage_add(struct coverage *c, const struct circuit *p) {
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *cell = &p->cells[i];
    if (cell->kind != CELL_LAYER) continue;
    const struct node *n = &p->graph->nodes[cell->node];
    c->kinds[n->op]++;
    c->widths[cell->in[0]->width]++;
    c->widths[cell->out[0]->width]++;
    c->remainder[cell->in[0]->elements % cell->in[0]->lanes != 0]++;
    c->classes[cell->in[0]->type.cls]++;
    if (n->n_rq == op_info(n->op)->slopes) continue;
    c->roundings[n->rounding]++;
    c->overflows[n->overflow]++;
    c->exact_scale[n->rq[n->n_rq - 1].mul[0] == 1]++;
  }
}

// Prints a row of counts; the number of empty cells.
static int put_row(const char *name, const int64_t *counts, int from, int to) {
  int empty = 0;
  print_message("  %-10s", name);
  for (int i = from; i < to; i++) {
    print_message(" %lld", (long long)counts[i]);
    empty += counts[i] == 0;
  }
  print_message("\n");
  return empty;
}

static int put_kinds(const struct coverage *c) {
  int empty = 0;
  print_message("  kinds     ");
  for (int op = 0; op < OP_COUNT; op++) {
    const struct op_info *info = op_info((enum op)op);
    if (!(info->executors & EXECUTOR_CIRCUIT) || info->column == COLUMN_SHAPE) continue;
    print_message(" %s %lld", info->name, (long long)c->kinds[op]);
    empty += c->kinds[op] == 0;
  }
  print_message("\n");
  return empty;
}

int coverage_print(const struct coverage *c) {
  print_message("layers per kind; stream width 1 .. 16; rounding floor .. tflite; overflow; lanes\n"
                "that divide the elements or don't; scales not a power of two, and powers\n");
  return put_kinds(c) + put_row("widths", c->widths, 1, COVERAGE_WIDTHS) +
         put_row("roundings", c->roundings, 0, FIX_ROUNDINGS) +
         put_row("overflows", c->overflows, 0, FIX_OVERFLOWS) +
         put_row("lanes", c->remainder, 0, 2) + put_row("scales", c->exact_scale, 0, 2) +
         put_row("bipolar", c->classes, TYPE_BIPOLAR, TYPE_BIPOLAR + 1);
}
