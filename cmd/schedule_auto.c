// SPDX-License-Identifier: Apache-2.0
// schedule --grain auto: into how many channels layers are cut, and the sums of linear ones into
// how many parts, so that one image is done as early as can be found.
//
//   image 784 -> parts of 16, 32, 64, .. inputs: the first begins when 16 pixels have come, and
//   what
//                a part computes takes longer than the next part's pixels
//   others    -> parts of the same size: what has been computed last is needed by one of them alone
//
// With several regions the parts of the image go by turns behind one of node 0's links each, so
// that all of them are used at once, and no link carries all of the image.
#include "cmd/schedule.h"
#include "sw/pass/partial.h"

#include <math.h>
#include <string.h>

// What is searched for, and values of it.
enum { CHOICE_GRAIN, CHOICE_FIRST, CHOICE_GROWTH, CHOICE_PARTS, CHOICE_REGIONS };
enum { CHOICES = CHOICE_REGIONS + 1, VALUES = 6, ROUNDS_MOST = 3, PARTS_MOST = 64 };

static const double values[CHOICES][VALUES] = {
    [CHOICE_GRAIN] = {1, 2, 4, 8, 16, 32}, // channels of an actor
    [CHOICE_FIRST] = {INFINITY, 8, 16, 24, 32,
                      48},                      // inputs of the first part of who reads the image
    [CHOICE_GROWTH] = {1, 1.2, 1.5, 2, 2.5, 3}, // of the next part, by the one before
    [CHOICE_PARTS] = {1, 2, 4, 8, 12, 16},      // of others
    [CHOICE_REGIONS] = {1, 2, 3, 4, 6, 8},      // in which parts of the image are
};
static const int beginning[CHOICES] = {1, 2, 3, 2, 0};

struct tuner {
  const struct graph *model;
  const struct node_machine *machine;
  int best[CHOICES];
  int64_t length; // of its schedule; 0: there is none yet
  int tried;
  struct err *err;
};

static bool reads_image(const struct graph *g, const struct node *n) {
  return g->values[plan_base(g, n->in[0].value)].node == NONE;
}

// Parts of about these sizes, as many of each as there are regions, that fill all of it.
static struct partial_cuts cuts_of(struct arena *a, int64_t in, double first, double growth,
                                   int regions) {
  struct partial_cuts to = {.groups = regions};
  int64_t *at = ARENA_NEW(a, int64_t, in + 2);
  double all = 0, end = 0, size = first;
  int rounds = 0;
  for (; all < (double)in && rounds < PARTS_MOST; rounds++, size *= growth) all += regions * size;
  size = first * (double)in / all;
  for (int k = 0; k < rounds * regions; k++) {
    end += size;
    int64_t next = end < (double)in ? (int64_t)(end + 0.5) : in;
    if (next > at[to.parts]) at[++to.parts] = next;
    if ((k + 1) % regions == 0) size *= growth;
  }
  if (at[to.parts] < in) at[to.parts] = in;
  to.at = at;
  return to;
}

// The network with the sums cut as chosen, and its actors.
static bool cut(struct arena *a, const struct tuner *t, const int chosen[CHOICES],
                struct schedule_cut *to) {
  const struct graph *g = t->model;
  struct partial_cuts *cuts = ARENA_NEW(a, struct partial_cuts, g->n_nodes + 1);
  double of[CHOICES];
  for (int c = 0; c < CHOICES; c++) of[c] = values[c][chosen[c]];
  *to = (struct schedule_cut){.grain = (int64_t)of[CHOICE_GRAIN]};
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    int64_t in = partial_inputs(g, &g->nodes[i]);
    if (!in) continue;
    bool image = reads_image(g, &g->nodes[i]);
    double first = image ? fmin(of[CHOICE_FIRST], (double)in) : ceil((double)in / of[CHOICE_PARTS]);
    cuts[i] =
        cuts_of(a, in, first, image ? of[CHOICE_GROWTH] : 1, image ? (int)of[CHOICE_REGIONS] : 1);
    to->layers += cuts[i].parts > 1;
    to->parts += cuts[i].parts > 1 ? (uint32_t)cuts[i].parts : 0;
  }
  const uint32_t *region;
  struct graph *h = partial(a, g, cuts, &region);
  if (!graph_verify(h, t->err)) return false;
  to->actors = actors_of(a, h, to->grain, t->machine->link_bits, t->err);
  to->regions = (uint32_t)of[CHOICE_REGIONS];
  if (to->actors && to->regions > 1)
    to->actors = actors_in_regions(a, to->actors, to->regions, region);
  return to->actors != NULL;
}

static bool try(struct tuner *t, const int chosen[CHOICES], bool *better) {
  struct arena scratch = {0};
  struct schedule_cut now;
  const struct schedule *s = NULL;
  if (cut(&scratch, t, chosen, &now)) s = schedule_make(&scratch, now.actors, t->machine, t->err);
  t->tried++;
  *better = s && (!t->length || s->length < t->length);
  if (*better) {
    memcpy(t->best, chosen, sizeof t->best);
    t->length = s->length;
  }
  arena_free(&scratch);
  return s != NULL;
}

// Neurons and whole sums, and from a beginning one choice after another as long as that helps.
static bool tune(struct tuner *t) {
  static const int whole[CHOICES] = {0};
  bool better, any = true;
  if (!try(t, whole, &better) || !try(t, beginning, &better)) return false;
  for (int round = 0; any && round < ROUNDS_MOST; round++) {
    any = false;
    for (int k = 0; k < CHOICES * VALUES; k++) {
      int chosen[CHOICES], c = k / VALUES;
      memcpy(chosen, t->best, sizeof chosen);
      chosen[c] = k % VALUES;
      bool regions = c == CHOICE_REGIONS && values[c][chosen[c]] > t->machine->topology->first[1];
      if (chosen[c] == t->best[c] || regions) continue;
      if (!try(t, chosen, &better)) return false;
      any = any || better;
    }
  }
  return true;
}

bool schedule_auto(struct arena *a, const struct graph *model, const struct node_machine *m,
                   struct schedule_cut *to, struct err *e) {
  struct tuner t = {.model = model, .machine = m, .err = e};
  if (!tune(&t) || !cut(a, &t, t.best, to)) return false;
  to->tried = t.tried;
  return true;
}

// Cycles in which node 0 could do all that reads so many frames of the image.
static int64_t stays(const struct actors *v, const struct node_machine *m, int64_t frames,
                     int64_t all) {
  int64_t work = 0;
  for (uint32_t i = 0; i < v->n_layers; i++) {
    const struct actor_layer *l = &v->layers[i];
    if (l->node == NONE || !reads_image(v->graph, &v->graph->nodes[l->node])) continue;
    for (uint32_t k = l->first; k < l->first + l->count; k++) work += v->actors[k].work;
  }
  return (int64_t)((double)work * (double)frames / (double)all / (double)m->macs);
}

bool schedule_auto_bounds(struct arena *a, const struct graph *model, const struct node_machine *m,
                          struct schedule_bounds *to, struct err *e) {
  const struct actors *v = actors_of(a, model, 1, m->link_bits, e);
  if (!v) return false;
  int64_t nodes = m->topology->nodes, links = m->topology->first[1], all = 0, low = 0, high = 1;
  *to = (struct schedule_bounds){0};
  to->work = (actors_work(v) + nodes * m->macs - 1) / (nodes * m->macs);
  const struct schedule s = {.actors = v, .machine = m};
  for (uint32_t i = 0; i < v->n_tokens; i++)
    if (v->layers[v->actors[v->tokens[i].actor].layer].node == NONE) all += schedule_frames(&s, i);
  while (high < all) high *= 2;
  while (links && low + 1 < high) { // frames that go out within a time, and what stays meanwhile
    int64_t middle = low + (high - low) / 2, left = all - links * middle;
    if (left <= 0 || stays(v, m, left, all) <= middle)
      high = middle;
    else
      low = middle;
  }
  to->link = links ? high : 0;
  to->most = to->work > to->link ? to->work : to->link;
  return true;
}
