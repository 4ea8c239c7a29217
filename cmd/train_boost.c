// SPDX-License-Identifier: Apache-2.0
// train --boost: net 1 on the data, net 2 on what net 1 gets wrong and as much that it gets right,
// net 3 where they disagree; one model adds what they give.
#include "cmd/train.h"

#include "sw/base/json.h"
#include "sw/graph/model.h"
#include "sw/graph/slice.h"
#include "sw/pass/ensemble.h"

#include <math.h>
#include <string.h>

enum { REPEATS = 20 }; // that are worth a note

struct boosting {
  struct arena *arena;
  const struct options *o;
  struct options of[BOOST_NETS]; // with seed and files of its own
  struct train *nets[BOOST_NETS];
  struct graph *graphs[BOOST_NETS];
  struct boost *boost;
  struct train_boost *result;
};

// ---- options

bool train_boost_check(const struct options *o, struct err *e) {
  if (!o->boost) return true;
  if (o->boost != BOOST_NETS)
    return err_set(e, "--boost %lld: expected %d: net 2 is chosen for by net 1, net 3 by both",
                   (long long)o->boost, BOOST_NETS);
  if (o->qat)
    return err_set(e, "--boost trains in floats: quantise its model (-p, --calibrate), or train it "
                      "on with --qat");
  if (o->plot)
    return err_set(e, "--plot: three nets make no one picture: --log FILE has their epochs");
  return !o->show_distortions || err_set(e, "--show-distortions trains nothing: leave --boost out");
}

const char *train_boost_file(struct arena *a, const char *path, int k) {
  return arena_printf(a, "%s.net%d", path, k);
}

static struct options options_of(const struct boosting *b, int net) {
  struct options o = *b->o;
  o.seed = (o.seed ? o.seed : 1) + net;
  if (o.checkpoint) o.checkpoint = train_boost_file(b->arena, o.checkpoint, net + 1);
  if (o.log) o.log = train_boost_file(b->arena, o.log, net + 1);
  return o;
}

// ---- the nets

// Three of the network as it is: can their outputs be added?
static bool check_sum(const struct boosting *b, struct err *e) {
  const struct graph *g = train_model(b->nets[0]);
  const struct graph *three[BOOST_NETS] = {g, g, g};
  const char *names[BOOST_NETS] = {b->o->net, b->o->net, b->o->net};
  return ensemble(b->arena, g->name, BOOST_NETS, three, names, NAN, e);
}

static bool begin(struct boosting *b, int net, struct err *e) {
  const struct images *set = net ? train_set(b->nets[0]) : NULL;
  b->of[net] = options_of(b, net);
  b->nets[net] =
      train_begin(b->arena, &b->of[net], set, net ? &b->result->lists[net].picks : NULL, e);
  return b->nets[net];
}

static bool go(struct boosting *b, int net, struct err *e) {
  b->graphs[net] = train_go(b->nets[net], e);
  return b->graphs[net] || err_within(e, "net %d", net + 1);
}

static const char *found_text(int net) {
  return net == 1 ? "wrong in net 1" : "in dispute";
}

static void say(const struct boosting *b, int net) {
  const struct boost_list *l = &b->result->lists[net];
  if (b->o->json) return;
  printf("%snet %d: ", net ? "\n" : "", net + 1);
  if (!net) {
    const struct fit_options *of = train_fit_options(b->nets[0]);
    printf("%lld images\n", (long long)fit_entries(train_set(b->nets[0]), of));
  } else {
    printf("%lld copies, %lld of them different; of %lld candidates %lld are %s\n",
           (long long)l->picks.count, (long long)l->distinct, (long long)l->candidates,
           (long long)l->found, found_text(net));
  }
  fflush(stdout);
}

// Nets that learn a few images by heart are no help for others.
static void note_repeats(const struct boosting *b, int net) {
  const struct boost_list *l = &b->result->lists[net];
  int64_t wanted = net == 1 ? l->picks.count / 2 : l->picks.count, times = wanted / l->found;
  bool distorted = !distort_is_none(&train_fit_options(b->nets[0])->distort);
  if (times >= REPEATS)
    command_note(b->o, "net %d: the %lld candidates that are %s are repeated %lld times: %s",
                 net + 1, (long long)l->found, found_text(net), (long long)times,
                 distorted ? "distort the images more, or train net 1 for fewer epochs"
                           : "--distort gives more of them");
}

static bool train_all(struct boosting *b, struct err *e) {
  struct train_boost *r = b->result;
  if (!begin(b, 0, e) || !check_sum(b, e)) return false;
  b->boost = boost_new(b->arena, train_model(b->nets[0]), train_set(b->nets[0]),
                       train_fit_options(b->nets[0]), b->o->quiet, e);
  if (!b->boost) return err_within(e, "%s", b->o->net);
  for (int net = 0; net < BOOST_NETS; net++) {
    struct boost_list *l = &r->lists[net];
    if (net == 1 && !boost_mix(b->boost, b->graphs[0], l, e)) return false;
    if (net == 2 && !boost_disputes(b->boost, b->graphs[0], b->graphs[1], l, e)) return false;
    if (net && !begin(b, net, e)) return false;
    say(b, net);
    if (net) note_repeats(b, net);
    if (!go(b, net, e)) return false;
  }
  return true;
}

// What nets 2 and 3 can't be made of is no reason to lose net 1.
static bool keep_net_1(const struct boosting *b, struct err *e) {
  struct err why = *e, unwritten = {0};
  const char *output = b->o->output ? b->o->output : "model.bin";
  const char *path = train_boost_file(b->arena, output, 1);
  if (b->graphs[0] && model_write(path, b->graphs[0], &unwritten)) {
    *e = (struct err){0};
    err_put(e, "%s; net 1 is kept as %s", why.text, path);
  }
  return false;
}

// ---- one model

static struct graph *add(const struct boosting *b, double margin, struct err *e) {
  const struct graph *nets[BOOST_NETS];
  const char *names[BOOST_NETS] = {"net 1", "net 2", "net 3"};
  for (int i = 0; i < BOOST_NETS; i++) nets[i] = b->graphs[i];
  const char *name = arena_printf(b->arena, "%s-boosted", nets[0]->name);
  return ensemble(b->arena, name, BOOST_NETS, nets, names, margin, e);
}

bool train_boosted(struct arena *a, const struct options *o, struct train_result *r,
                   struct err *e) {
  struct boosting b = {.arena = a, .o = o, .result = ARENA_NEW(a, struct train_boost, 1)};
  struct graph *g;
  if (!train_all(&b, e)) return keep_net_1(&b, e);
  if (!(g = add(&b, NAN, e)) || !boost_choose(b.boost, b.graphs[0], g, &b.result->margin, e) ||
      !(g = add(&b, b.result->margin.margin, e)))
    return false;
  if (!train_score(b.nets[0], b.graphs[0], &b.result->alone, e) || !train_write(b.nets[0], g, r, e))
    return false;
  for (int i = 0; i < BOOST_NETS; i++) train_ran(b.nets[i], &b.result->at[i], &b.result->state[i]);
  const struct boost_margin *m = &b.result->margin;
  if (m->together < m->alone)
    command_note(o,
                 "all nets get %lld of %lld images right, net 1 alone %lld: it is the better model",
                 (long long)m->together, (long long)m->images, (long long)m->alone);
  b.result->macs = graph_macs(b.graphs[0]);
  b.result->macs_all = graph_macs(g);
  r->boost = b.result;
  return true;
}

// ---- what is said of it

static double share(int64_t part, int64_t of) {
  return (double)part / (double)of;
}

static double mean_macs(const struct train_boost *b) {
  const struct boost_margin *m = &b->margin;
  return (double)b->macs + share(m->needed, m->images) * (double)(b->macs_all - b->macs);
}

void train_boost_put(const struct train_result *r, struct text *t) {
  const struct train_boost *b = r->boost;
  const struct boost_margin *m = &b->margin;
  if (r->test_name)
    text_printf(t, "net 1     %.2f %% (%lld)\n", 100 * share(b->alone.correct, b->alone.images),
                (long long)b->alone.correct);
  text_printf(t,
              "margin    %.6g: of %lld %s images %.2f %% need nets 2 and 3; %lld are right, of net "
              "1 alone %lld, of all nets %lld\n",
              m->margin, (long long)m->images, m->watched ? "watched" : "training",
              100 * share(m->needed, m->images), (long long)m->both, (long long)m->alone,
              (long long)m->together);
  text_printf(
      t, "MACs      %.0f an image with --early-exit, %.2f times net 1 (%lld); all nets %lld\n",
      mean_macs(b), mean_macs(b) / (double)b->macs, (long long)b->macs, (long long)b->macs_all);
}

static void put_net(struct text *t, const struct train_boost *b, int i) {
  const struct boost_list *l = &b->lists[i];
  text_puts(t, i == 1 ? "{" : ",{");
  text_printf(t, "\"images\":%lld,\"distinct\":%lld,\"candidates\":%lld,\"found\":%lld,\"epochs\":",
              (long long)l->picks.count, (long long)l->distinct, (long long)l->candidates,
              (long long)l->found);
  fit_put_rows(t, b->at[i]);
  text_printf(t, ",\"stopped_early\":%s}", b->state[i] == FIT_STOPPED_EARLY ? "true" : "false");
}

void train_boost_put_json(const struct train_result *r, struct text *t) {
  const struct train_boost *b = r->boost;
  const struct boost_margin *m = &b->margin;
  text_puts(t, ",\"boost\":{\"nets\":[");
  for (int i = 1; i < BOOST_NETS; i++) put_net(t, b, i);
  text_puts(t, "]");
  if (r->test_name) text_printf(t, ",\"test_correct_alone\":%lld", (long long)b->alone.correct);
  text_puts(t, ",\"margin\":");
  json_put_real(t, m->margin);
  text_printf(t,
              ",\"watched\":%s,\"images\":%lld,\"needed\":%lld,\"correct\":%lld,\"correct_alone\":"
              "%lld,\"correct_together\":%lld",
              m->watched ? "true" : "false", (long long)m->images, (long long)m->needed,
              (long long)m->both, (long long)m->alone, (long long)m->together);
  json_put_figure(t, "macs", 1, mean_macs(b));
  text_printf(t, ",\"macs_first\":%lld,\"macs_all\":%lld}", (long long)b->macs,
              (long long)b->macs_all);
}
