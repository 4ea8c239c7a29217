// SPDX-License-Identifier: Apache-2.0
#include "quant/warnings.h"

#include "sw/base/json.h"
#include "sw/graph/exact.h"
#include "sw/graph/interval.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

// Shares of clipped weights, and of what they lose, and of saturated inputs that are worth a word;
// noise over signal that leaves no meaning.
static const double clipped_share = 0.01, clipped_by = 0.05, saturated_share = 0.5,
                    noise_share = 0.5;

void warnings_add(struct arena *a, struct warnings *w, const char *layer, const char *format, ...) {
  char line[600];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (w->count == w->room) {
    struct warning *list = ARENA_NEW(a, struct warning, 2 * w->room + 8);
    if (w->count) memcpy(list, w->list, w->count * sizeof *list);
    w->list = list;
    w->room = 2 * w->room + 8;
  }
  w->list[w->count++] = (struct warning){layer, arena_strdup(a, line)};
}

// ---- weights

static const struct value *float_weights(const struct graph *real, const struct node *n) {
  for (uint32_t i = 0; real && i < real->n_nodes; i++)
    if (strcmp(real->nodes[i].name, n->name) == 0 && real->nodes[i].n_in > 1)
      return node_in(real, &real->nodes[i], 1)->init ? node_in(real, &real->nodes[i], 1) : NULL;
  return NULL;
}

struct tally {
  int64_t nonzero, lost, clipped; // weights
  double most, signal, noise, highest;
};

// Of numbers with a least and a highest step, as signs haven't.
static bool has_ends(const struct type *t) {
  return type_is_fixed(t) || (type_is_coded(t) && !type_is_residual(t));
}

// Whether the type's ends cut a number off; the exponents of blocks are those that it needs.
static bool is_clipped(const struct type *t, int64_t c, double v) {
  double code = v / type_scale(t, c);
  bool inside = true;
  if (type_is_minifloat(t)) minifloat_round(&t->minifloat, code, &inside);
  if (type_is_fixed(t))
    inside = code <= (double)type_integer(t, c, type_highest(t)) + 0.5 &&
             code >= (double)type_integer(t, c, type_lowest(t)) - 0.5;
  return !inside;
}

static struct tally tally_of(const struct value *x, const struct value *w) {
  struct tally t = {0};
  const struct type *type = &w->type;
  int64_t count = x->init->count;
  for (int64_t i = 0; i < count; i++) {
    int64_t c = type->axis < 0 ? 0 : i / (count / w->shape[0]);
    double v = value_real(x, i), scale = type_scale(type, c);
    int64_t integer = type_integer(type, c, tensor_int(w->init, i));
    double off = (double)integer * scale - v;
    t.nonzero += v != 0;
    t.lost += v != 0 && integer == 0;
    t.clipped += is_clipped(type, c, v) && fabs(off) > clipped_by * fabs(v);
    t.most = fmax(t.most, fabs(v));
    t.highest = fmax(t.highest, type_value(type, c, type_highest(type)));
    t.signal += v * v / (scale * scale);
    t.noise += off * off / (scale * scale);
  }
  return t;
}

// True if a warning was added.
static bool weights_lost(struct arena *a, const struct value *x, const struct node *n,
                         const struct value *w, struct warnings *out) {
  const char *type = type_text(a, &w->type);
  int64_t zeros = 0;
  for (int64_t i = 0; i < w->init->count; i++)
    zeros += !type_integer(&w->type, i / (w->init->count / w->shape[0]), tensor_int(w->init, i));
  struct tally t = x && x->init->count == w->init->count ? tally_of(x, w) : (struct tally){0};
  if (zeros == w->init->count && has_ends(&w->type)) {
    if (t.nonzero)
      warnings_add(a, out, n->name,
                   "all weights are rounded to 0: the largest is %g, a step of %s is %g (another "
                   "--weight-precision?)",
                   t.most, type, type_scale(&w->type, 0));
    else
      warnings_add(a, out, n->name, "all weights are 0");
    return true;
  }
  if ((double)t.clipped >= clipped_share * (double)w->init->count && t.clipped) {
    warnings_add(a, out, n->name,
                 "%lld of %lld weights are clipped: the largest is %g, %s ends at %g (another "
                 "--weight-precision?)",
                 (long long)t.clipped, (long long)w->init->count, t.most, type, t.highest);
    return true;
  }
  bool noisy = t.signal > 0 && t.noise > noise_share * t.signal;
  if (noisy && !has_ends(&w->type)) {
    warnings_add(a, out, n->name,
                 "%s leaves little of its weights: %.1f dB between weights and error (another "
                 "--weight-precision?)",
                 type, 10 * log10(t.signal / t.noise));
    return true;
  }
  if (noisy) {
    warnings_add(a, out, n->name,
                 "%s leaves little of its weights: %lld of %lld are rounded to 0, %.1f dB between "
                 "weights and error (another --weight-precision?)",
                 type, (long long)t.lost, (long long)t.nonzero, 10 * log10(t.signal / t.noise));
    return true;
  }
  return false;
}

// ---- what comes out

// Outputs of a linear layer that lie beyond the type's range for every input. Half a step either
// way is left to the rounding. A type whose lowest integer stands for 0 has a relu in it, of which
// some outputs never come out.
static bool outputs_lost(struct arena *a, const struct graph *g, const struct node *n,
                         struct warnings *out) {
  const struct value *y = node_out(g, n, 0), *b = node_in(g, n, 2);
  int64_t count = y->shape[y->rank - 1], lost = 0, first = 0;
  if (!type_is_fixed(&y->type) || !n->n_rq) return false;
  for (int64_t c = 0; c < count; c++) {
    const struct requant *r = &n->rq[0];
    int64_t k = r->count > 1 ? c : 0;
    struct interval i = interval_acc(g, n, KNOWN_PROVEN, c);
    double lowest = ldexp((double)i.lo * (double)r->mul[k], -r->shift[k]);
    double highest = ldexp((double)i.hi * (double)r->mul[k], -r->shift[k]);
    int64_t least = type_integer(&y->type, c, type_lowest(&y->type));
    bool beyond = lowest > (double)type_integer(&y->type, c, type_highest(&y->type)) + 0.5 ||
                  (least < 0 && highest < (double)least - 0.5);
    if (beyond && !lost++) first = c;
  }
  if (!lost) return false;
  warnings_add(a, out, n->name,
               "%lld of %lld outputs lie beyond %s for every input, the first is output %lld%s",
               (long long)lost, (long long)count, type_text(a, &y->type), (long long)first,
               b ? " (a large bias? another type for the layer?)"
                 : " (another type for the layer?)");
  return true;
}

static bool is_constant(const struct value *v) {
  return type_is_integer(&v->type) && v->lo == v->hi;
}

static void one_value(struct arena *a, const struct graph *g, const struct node *n,
                      struct warnings *out) {
  const struct value *y = node_out(g, n, 0);
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!node_in(g, n, i)->init && is_constant(node_in(g, n, i))) return; // said before
  if (y && y->per_frame && n->n_in && is_constant(y))
    warnings_add(a, out, n->name, "gives %lld whatever comes in (another type for the layer?)",
                 (long long)y->lo);
}

// ---- bounds

// Bounds of a function that lie between two steps of its input, and become one of them.
static void bounds_moved(struct arena *a, const struct graph *g, const struct node *n,
                         struct warnings *out) {
  const struct op_info *info = op_info(n->op);
  const struct exact *exact = exact_of(n->op);
  const struct attr *codes = node_attr(n, ATTR_codes);
  if (!exact || info->slopes || info->codes != 2 || !codes || codes->count != 2) return;
  const struct type *t = &node_in(g, n, 0)->type;
  struct exact_reals reals = exact_reals_of(n);
  for (int i = 0; i < 2; i++) {
    double bound = i ? reals.hi : reals.lo, found = type_value(t, 0, codes->ints[i]);
    bool inside = codes->ints[i] > type_lowest(t) && codes->ints[i] < type_highest(t);
    if (inside && fabs(found - bound) > 1e-6 * fmax(fabs(bound), type_scale(t, 0)))
      warnings_add(a, out, n->name, "its bound %g becomes %.6g, the nearest step of %s", bound,
                   found, type_text(a, t));
  }
}

// ---- a type that is enough

// The type, what it holds, and what there is.
static const char *range_text(struct arena *a, const struct type *t, double least, double most) {
  double low = type_value(t, 0, type_lowest(t)), high = type_value(t, 0, type_highest(t));
  return arena_printf(a, "%s (%g to %g in steps of %g): they are %g to %g", type_text(a, t), low,
                      high, type_scale(t, 0), least, most);
}

// "W,F" of as many bits that holds all of `least` to `most`, with the most fraction that does;
// NULL: there is none.
static const char *enough(struct arena *a, int width, bool is_signed, double least, double most) {
  if (width < 1 + is_signed || !isfinite(least) || !isfinite(most) || least >= most) return NULL;
  double codes = ldexp(1, width - is_signed);
  for (int fraction = 60; fraction >= -32; fraction--)
    if (ldexp(most, fraction) <= codes - 0.5 && ldexp(least, fraction) >= -codes - 0.5)
      return arena_printf(a, "%s%d,%d", is_signed ? "" : "u", width, fraction);
  return NULL;
}

// What to type for it.
static const char *remedy(struct arena *a, const char *name, const struct type *t, double least,
                          double most, bool input) {
  const char *type = type_is_fixed(t) ? enough(a, type_width(t),
                                               least < 0 || (!input && t->is_signed), least, most)
                                      : NULL;
  if (!type) return input ? "; give another --input-precision" : "; give the layer another type";
  if (input) return arena_printf(a, "; give --input-precision %s", type);
  struct text out = {0};
  text_puts(&out, "; --formats with {\"layers\":{");
  json_put_string(&out, name);
  text_printf(&out, ":{\"stream\":\"%s\"}}}", type);
  const char *words = arena_strdup(a, out.data);
  text_free(&out);
  return words;
}

// ---- the input

static void pixels_lost(struct arena *a, const struct graph *real, const struct graph *g,
                        const struct input *in, struct warnings *out) {
  const struct value *x = &g->values[in->value];
  const struct source *s = &in->source, *from = NULL;
  if (!s->tables) return;
  int64_t beyond = 0, entries = 256 * s->tables;
  double least = 0, most = 0;
  bool same = true, bytes = s->tables == 1; // the integers are the bytes
  for (uint32_t i = 0; real && i < real->n_inputs; i++)
    if (strcmp(real->values[real->inputs[i].value].name, x->name) == 0)
      from = &real->inputs[i].source;
  for (int64_t i = 0; i < entries; i++) {
    same &= s->table[i] == s->table[i / 256 * 256];
    bytes &= s->table[i] == i;
    int64_t c = i / 256;
    if (!from || c >= from->channels) continue;
    double v = ((double)(i % 256) / 255 - from->mean[c]) / from->std[c];
    double integer = v / type_scale(&x->type, 0);
    least = fmin(least, v);
    most = fmax(most, v);
    beyond += integer > (double)type_integer(&x->type, 0, type_highest(&x->type)) + 0.5 ||
              integer < (double)type_integer(&x->type, 0, type_lowest(&x->type)) - 0.5;
  }
  if (same)
    warnings_add(a, out, x->name, "every pixel becomes the same integer in %s%s",
                 range_text(a, &x->type, least, most),
                 remedy(a, x->name, &x->type, least, most, true));
  else if (!bytes && (double)beyond >= saturated_share * (double)entries)
    warnings_add(a, out, x->name, "%.0f %% of all pixel values lie beyond %s%s",
                 100 * (double)beyond / (double)entries, range_text(a, &x->type, least, most),
                 remedy(a, x->name, &x->type, least, most, true));
}

// ---- what data show

static bool is_said(const struct warnings *w, const char *name) {
  for (uint32_t i = 0; i < w->count; i++)
    if (strcmp(w->list[i].layer, name) == 0) return true;
  return false;
}

void warnings_stream(struct arena *a, struct warnings *w, const char *name, const struct type *t,
                     const struct stream_loss *l, bool input) {
  bool saturated = (double)l->saturated >= saturated_share * (double)l->elements;
  if (is_said(w, name)) return;
  const char *range = range_text(a, t, l->least, l->most),
             *words = remedy(a, name, t, l->least, l->most, input);
  if (l->nonzero && l->lost == l->nonzero)
    warnings_add(a, w, name, "all values are rounded to 0 in %s%s", range, words);
  else if (l->saturated && saturated && (input || l->noise > noise_share * l->signal))
    warnings_add(a, w, name, "%.0f %% of the values lie beyond %s%s",
                 100 * (double)l->saturated / (double)l->elements, range, words);
}

void stream_loss_add(struct stream_loss *l, const struct type *t, int64_t code, double v) {
  double half = 0.5 * type_scale(t, 0), error = type_value(t, 0, code) - v;
  double lowest = type_value(t, 0, type_lowest(t)) - half;
  double highest = type_value(t, 0, type_highest(t)) + half;
  l->least = fmin(l->least, v);
  l->most = fmax(l->most, v);
  l->signal += v * v;
  l->noise += error * error;
  l->saturated += v < lowest || v > highest;
  l->nonzero += v != 0;
  l->lost += v != 0 && !type_integer(t, 0, code);
  l->elements++;
}

// ---- the whole

void warnings_find(struct arena *a, const struct graph *real, const struct graph *fixed,
                   bool calibrated, struct warnings *out) {
  const struct graph *g = fixed;
  for (uint32_t i = 0; i < g->n_inputs; i++) pixels_lost(a, real, g, &g->inputs[i], out);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    bool linear = op_is(n->op, TRAIT_WEIGHTS) && node_in(g, n, 1)->init;
    const struct value *x = linear && !calibrated ? float_weights(real, n) : NULL;
    bool said = linear && weights_lost(a, x, n, node_in(g, n, 1), out);
    said |= linear && !said && outputs_lost(a, g, n, out);
    if (!said) one_value(a, g, n, out);
    if (real) bounds_moved(a, g, n, out);
  }
}

void warnings_put_json(struct text *t, const struct warnings *w) {
  text_puts(t, ",\"warnings\":[");
  for (uint32_t i = 0; i < w->count; i++) {
    text_puts(t, i ? ",{\"layer\":" : "{\"layer\":");
    json_put_string(t, w->list[i].layer);
    text_puts(t, ",\"message\":");
    json_put_string(t, w->list[i].text);
    text_puts(t, "}");
  }
  text_puts(t, "]");
}
