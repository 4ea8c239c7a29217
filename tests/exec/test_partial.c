// SPDX-License-Identifier: Apache-2.0
// Linear layers whose sums are cut into parts compute what the whole ones do, bit for bit: in the
// plain golden model, and carried out on nodes, where an actor gets what it is connected to and
// nothing else. A part that is added twice, or not at all, is noticed.
#include "sw/base/rng.h"
#include "sw/exec/calendar_run.h"
#include "sw/exec/golden.h"
#include "sw/pass/partial.h"
#include "sw/plan/schedule_check.h"
#include "tests/net/helper_netgen.h"
#include "tests/plan/helper_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 400, IMAGES = 3 };

struct trial {
  const struct graph *graph; // as it was
  const int64_t *const *inputs;
  struct golden_ref *ref;
  int64_t outputs, wrong;
};

static struct trial trial_of(struct arena *a, const struct graph *g, uint64_t seed) {
  struct trial t = {.graph = g, .inputs = netgen_inputs(a, g, seed, IMAGES)};
  t.ref = golden_ref_new(a, g, IMAGES);
  golden_ref_step(t.ref, t.inputs);
  return t;
}

// Random cuts of all that can be cut; how many nodes are.
static int random_cuts(struct arena *a, const struct graph *g, struct rng *r,
                       struct partial_cuts *cuts) {
  int count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    int64_t in = partial_inputs(g, &g->nodes[i]), parts = 0;
    if (in < 2) continue;
    int64_t *at = ARENA_NEW(a, int64_t, in + 1);
    while (at[parts] < in) {
      int64_t next = at[parts] + rng_range(r, 1, in);
      at[++parts] = next < in ? next : in;
    }
    cuts[i] = (struct partial_cuts){parts, at, rng_range(r, 0, 3)};
    count += parts > 1;
  }
  return count;
}

static struct graph *cut(struct arena *a, const struct graph *g, const struct partial_cuts *cuts) {
  struct err e = {0};
  struct graph *h = partial(a, g, cuts, NULL);
  if (!graph_verify(h, &e)) fail_msg("%s", e.text);
  return h;
}

static int64_t differences(struct arena *a, const struct trial *t, const struct graph *h) {
  struct golden_ref *ref = golden_ref_new(a, h, IMAGES);
  int64_t wrong = 0;
  golden_ref_step(ref, t->inputs);
  for (uint32_t i = 0; i < h->n_outputs; i++) {
    uint32_t v = t->graph->outputs[i];
    size_t size = (size_t)(value_elements(&t->graph->values[v]) * IMAGES) * sizeof(int64_t);
    wrong += memcmp(golden_ref_value(t->ref, v), golden_ref_value(ref, h->outputs[i]), size) != 0;
  }
  return wrong;
}

static void feed(void *context, int64_t batch, int64_t images, int64_t *const *inputs) {
  const struct trial *t = context;
  assert_int_equal(batch, 0);
  for (uint32_t i = 0; i < t->graph->n_inputs; i++) {
    int64_t elements = value_elements(&t->graph->values[t->graph->inputs[i].value]);
    memcpy(inputs[i], t->inputs[i], (size_t)(images * elements) * sizeof(int64_t));
  }
}

static void look(void *context, int64_t batch, int64_t images, uint32_t output,
                 const int64_t *integers) {
  struct trial *t = context;
  uint32_t v = t->graph->outputs[output];
  size_t size = (size_t)(value_elements(&t->graph->values[v]) * images) * sizeof(int64_t);
  (void)batch;
  t->outputs++;
  t->wrong += memcmp(golden_ref_value(t->ref, v), integers, size) != 0;
}

static void carry_out(struct arena *a, struct trial *t, const struct graph *h, int64_t grain,
                      uint32_t nodes, enum topology_kind kind) {
  struct err e = {0};
  const struct node_machine m = {topology_new(a, kind, nodes), 1, 8, 1};
  const struct actors *v = actors_of(a, h, grain, 8, &e);
  if (!v) return; // kinds without channels beside it
  struct schedule *s = schedule_make(a, v, &m, &e);
  assert_int_equal(schedule_check(a, s).count, 0);
  const struct calendar_batches b = {IMAGES, feed, look, t};
  t->outputs = t->wrong = 0;
  if (!calendar_run(calendar_run_new(a, calendar_of(a, s, NULL), IMAGES), &b, &e))
    fail_msg("%s", e.text);
  assert_int_equal(t->wrong, 0);
  assert_int_equal(t->outputs, h->n_outputs);
}

static void random_networks(void **state) {
  (void)state;
  int cuts_made = 0, noticed = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct rng r = {seed, 0};
    struct graph *g = netgen(&a, seed, OP_linear, NETGEN_CIRCUIT);
    if (!graph_verify(g, &e)) fail_msg("%s", e.text);
    struct partial_cuts *cuts = ARENA_NEW(&a, struct partial_cuts, g->n_nodes);
    int made = random_cuts(&a, g, &r, cuts);
    struct graph *h = cut(&a, g, cuts);
    struct trial t = trial_of(&a, g, seed);
    assert_int_equal(differences(&a, &t, h), 0);
    cuts_made += made;
    if (made)
      carry_out(&a, &t, h, rng_range(&r, 1, 3), (uint32_t)rng_range(&r, 1, 9),
                (enum topology_kind)(seed % TOPOLOGIES));
    for (uint32_t i = 0; made && i < h->n_nodes; i++)
      if (h->nodes[i].op == OP_add && h->nodes[i].n_rq == 2 && strstr(h->nodes[i].name, " sum ")) {
        h->nodes[i].in[1] = h->nodes[i].in[0]; // twice the one before
        noticed += differences(&a, &t, h) > 0;
        break;
      }
    arena_free(&a);
  }
  print_message("%d layers cut, %d sums of a part twice noticed\n", cuts_made, noticed);
  assert_true(cuts_made > 100 && noticed > 40);
}

// 784-128-10 in parts that grow: an actor needs the pixels of its part alone.
static void the_image_in_parts(void **state) {
  (void)state;
  static const int64_t image[] = {0, 16, 48, 112, 240, 496, 784}, others[] = {0, 32, 64, 96, 128};
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 1, TOPOLOGY_MESH, 64);
  const struct graph *g = c.graph;
  struct partial_cuts *cuts = ARENA_NEW(&c.arena, struct partial_cuts, g->n_nodes);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    int64_t in = partial_inputs(g, &g->nodes[i]);
    if (in == 784) cuts[i] = (struct partial_cuts){6, image, 0};
    if (in == 128) cuts[i] = (struct partial_cuts){4, others, 0};
  }
  struct graph *h = cut(&c.arena, g, cuts);
  const struct actors *v = actors_of(&c.arena, h, 2, 8, &e);
  int64_t whole = 0, work = 0;
  for (uint32_t i = 0; i < v->n_actors; i++) {
    const struct actor_layer *l = &v->layers[v->actors[i].layer];
    if (l->node == NONE || h->nodes[l->node].op != OP_linear) continue;
    for (uint32_t k = 0; k < v->actors[i].n_needs; k++) whole += v->actors[i].needs[k].count;
    work += v->actors[i].work;
  }
  assert_int_equal(work, 784 * 128 + 128 * 10);
  assert_int_equal(whole, 64 * 784 + 5 * 64); // tokens of one pixel, and of two channels
  struct trial t = trial_of(&c.arena, g, 1);
  assert_int_equal(differences(&c.arena, &t, h), 0);
  carry_out(&c.arena, &t, h, 2, 64, TOPOLOGY_MESH);
  const struct node_machine m = {topology_new(&c.arena, TOPOLOGY_MESH, 64), 1, 8, 1};
  const struct schedule *s = schedule_make(&c.arena, v, &m, &e);
  const struct schedule *neurons = schedule_make(&c.arena, c.actors, &c.machine, &e);
  print_message("%lld cycles, by neurons %lld, of work 1588\n", (long long)s->length,
                (long long)neurons->length);
  assert_true(s->length <= 1588 * 110 / 100 && neurons->length > 1588 * 150 / 100);
  arena_free(&c.arena);
}

// Parts by turns behind node 0's links: each is there, or on node 0; on a torus of 256 an image is
// done in less than two thirds of the time.
static void parts_in_regions(void **state) {
  (void)state;
  enum { REGIONS = 4, PARTS = 28 };
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 1, TOPOLOGY_TORUS, 256);
  const struct graph *g = c.graph;
  struct partial_cuts *cuts = ARENA_NEW(&c.arena, struct partial_cuts, g->n_nodes);
  int64_t at[PARTS + 1];
  for (int k = 0; k <= PARTS; k++) at[k] = 784 * k / PARTS;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (partial_inputs(g, &g->nodes[i]) == 784) cuts[i] = (struct partial_cuts){PARTS, at, REGIONS};
  const uint32_t *region;
  struct graph *h = partial(&c.arena, g, cuts, &region);
  const struct actors *v = actors_of(&c.arena, h, 1, 8, &e);
  const struct actors *in = actors_in_regions(&c.arena, v, REGIONS, region);
  const struct node_machine m = {c.machine.topology, 1, 8, 1};
  const struct schedule *anywhere = schedule_make(&c.arena, v, &m, &e);
  const struct schedule *s = schedule_make(&c.arena, in, &m, &e);
  struct routes *r = routes_new(&c.arena, m.topology, 0);
  routes_balance(m.topology, r);
  uint32_t there = 0;
  for (uint32_t i = 0; i < in->n_actors; i++) {
    const struct actor_layer *l = &in->layers[in->actors[i].layer];
    uint32_t n = s->firings[i].node, link = n ? r->first[n] - m.topology->first[0] : 0;
    if (!l->region) continue;
    if (n) assert_int_equal(link % REGIONS + 1, l->region);
    there++;
  }
  assert_int_equal(there, PARTS * 128);
  assert_int_equal(schedule_check(&c.arena, s).count, 0);
  print_message("%lld cycles, %lld anywhere\n", (long long)s->length, (long long)anywhere->length);
  assert_true(3 * s->length < 2 * anywhere->length);
  arena_free(&c.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_networks),
      cmocka_unit_test(the_image_in_parts),
      cmocka_unit_test(parts_in_regions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
