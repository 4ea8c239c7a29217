// SPDX-License-Identifier: Apache-2.0
// The library's interface around the golden model.
#define NNGEN_API __attribute__((visibility("default")))
#include "lib/nngen.h"

#include "quant/load.h"
#include "sw/base/pool.h"
#include "sw/exec/golden.h"
#include "sw/exec/kernels.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct nngen {
  struct arena arena; // holds everything, this struct apart
  const struct graph *graph;
  struct golden *golden;
  struct nngen_stream input;
  struct nngen_stream *layers; // (n_nodes)
  uint32_t output;             // which of the layers
  struct warnings warnings;
};

// What MPFR and GMP take for a table at most; they would abort.
enum { ROOM = 1 << 20 };

const char *nngen_version(void) {
  return NNGEN_VERSION;
}

// Copies a message to the caller; always 0.
static int failed(const struct err *from, struct nngen_error *to) {
  _Static_assert(sizeof to->text >= sizeof from->text, "room for every message");
  if (to) memcpy(to->text, from->text, sizeof from->text);
  return 0;
}

static struct nngen_stream stream_of(struct arena *a, const struct value *v, const char *name,
                                     const char *op) {
  const struct type *t = &v->type;
  double *scale = ARENA_NEW(a, double, t->channels + 1);
  int32_t *zero = ARENA_NEW(a, int32_t, t->channels + 1);
  for (int64_t c = 0; c < t->channels || c == 0; c++) {
    scale[c] = type_scale(t, c);
    zero[c] = type_zero(t, c);
  }
  return (struct nngen_stream){.name = name,
                               .op = op,
                               .rank = v->rank,
                               .shape = v->shape,
                               .elements = value_elements(v),
                               .width = type_stream_width(t),
                               .is_signed = type_lowest(t) < 0,
                               .lowest = v->lo,
                               .highest = v->hi,
                               .axis = t->axis,
                               .scale = scale,
                               .zero = zero,
                               .type = t};
}

static bool describe(struct nngen *net, struct err *e) {
  const struct graph *g = net->graph;
  if (g->n_inputs != 1) return err_set(e, "%u inputs, expected 1", g->n_inputs);
  if (g->n_outputs != 1) return err_set(e, "%u outputs, expected 1", g->n_outputs);
  const struct value *x = &g->values[g->inputs[0].value], *y = &g->values[g->outputs[0]];
  if (y->node == NONE) return err_set(e, "there is no layer");
  net->input = stream_of(&net->arena, x, x->name, "input");
  net->output = (uint32_t)y->node;
  net->layers = ARENA_NEW(&net->arena, struct nngen_stream, g->n_nodes);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    net->layers[i] = stream_of(&net->arena, node_out(g, n, 0), n->name, op_info(n->op)->name);
  }
  return true;
}

static bool open_model(struct nngen *net, const char *path, const struct nngen_options *o,
                       struct err *e) {
  struct load l = {.precision = o->precision,
                   .weight_precision = o->weight_precision,
                   .input_precision = o->input_precision,
                   .rounding = o->rounding,
                   .overflow = o->overflow,
                   .formats = o->formats,
                   .input_mean = o->input_mean,
                   .input_std = o->input_std};
  struct model m;
  if (!kernels_check(e)) return false;
  if (!load_check(&net->arena, &l, e) || !load_model(&net->arena, path, &l, &m, e)) return false;
  if (!m.fixed) return err_set(e, "%s: the model is float: its precision must be given", path);
  if (golden_is_sequence(m.fixed))
    return err_set(
        e, "%s: its frames depend on earlier ones (a delay), which this library doesn't keep",
        path);
  net->graph = m.fixed;
  net->warnings = m.warnings;
  int threads;
  net->golden = golden_new(&net->arena, m.fixed, e);
  if (!net->golden || !describe(net, e) || !pool_threads(&threads, e))
    return err_within(e, "%s", path);
  golden_threads(&net->arena, net->golden, threads);
  return true;
}

static struct nngen *open_new(const char *path, const struct nngen_options *o, struct err *e) {
  struct arena arena = {0};
  struct nngen *net = ARENA_NEW(&arena, struct nngen, 1);
  net->arena = arena;
  if (open_model(net, path, o, e)) return net;
  nngen_close(net);
  return NULL;
}

static const char no_memory[] = "out of memory";

// What is allocated stays if it succeeds; without memory it is all freed, and NULL.
static struct nngen *open_rescued(const char *path, const struct nngen_options *o, struct err *e) {
  struct arena_rescue rescue;
  if (setjmp(rescue.at)) {
    *e = (struct err){0};
    err_put(e, "%s: %s", path, no_memory);
    return NULL;
  }
  arena_rescue_begin(&rescue);
  arena_probe(ROOM);
  struct nngen *net = open_new(path, o, e);
  arena_rescue_end(&rescue);
  return net;
}

// Numbers are read with a point, whatever locale the caller's thread has.
struct nngen *nngen_open(const char *path, const struct nngen_options *options,
                         struct nngen_error *error) {
  struct err e = {0};
  struct nngen *net = NULL;
  locale_t c = newlocale(LC_ALL_MASK, "C", NULL);
  if (c) {
    locale_t before = uselocale(c);
    net = open_rescued(path, options ? options : &(struct nngen_options){0}, &e);
    uselocale(before);
    freelocale(c);
  } else {
    err_put(&e, "%s: %s", path, no_memory);
  }
  if (!net) failed(&e, error);
  return net;
}

// The struct lives in its own arena.
void nngen_close(struct nngen *net) {
  if (!net) return;
  struct arena arena = net->arena;
  golden_free(net->golden);
  arena_free(&arena);
}

// ---- looking

const struct nngen_stream *nngen_input(const struct nngen *net) {
  return &net->input;
}

const struct nngen_stream *nngen_output(const struct nngen *net) {
  return &net->layers[net->output];
}

uint32_t nngen_layers(const struct nngen *net) {
  return net->graph->n_nodes;
}

const struct nngen_stream *nngen_layer(const struct nngen *net, uint32_t layer) {
  return layer < nngen_layers(net) ? &net->layers[layer] : NULL;
}

uint32_t nngen_find(const struct nngen *net, const char *name) {
  uint32_t i = 0;
  while (i < nngen_layers(net) && strcmp(net->layers[i].name, name) != 0) i++;
  return i;
}

uint32_t nngen_warnings(const struct nngen *net) {
  return net->warnings.count;
}

const char *nngen_warning(const struct nngen *net, uint32_t warning, const char **layer) {
  if (warning >= net->warnings.count) return NULL;
  if (layer) *layer = net->warnings.list[warning].layer;
  return net->warnings.list[warning].text;
}

// ---- running

static bool check_taps(const struct nngen *net, const struct nngen_tap *taps, uint32_t n_taps,
                       struct err *e) {
  for (uint32_t i = 0; i < n_taps; i++)
    if (taps[i].layer >= nngen_layers(net))
      return err_set(e, "tap %u: layer %u, expected 0 to %u", i, taps[i].layer,
                     nngen_layers(net) - 1);
  return true;
}

static void run(const struct nngen *net, int64_t images, const uint8_t *pixels,
                const int32_t *codes, int32_t *output, const struct nngen_tap *taps,
                uint32_t n_taps) {
  struct arena a = {0};
  const struct graph *g = net->graph;
  struct golden_tap *to = ARENA_NEW(&a, struct golden_tap, n_taps + 1);
  uint32_t n = 0;
  for (; n < n_taps; n++)
    to[n] = (struct golden_tap){g->nodes[taps[n].layer].out[0], taps[n].codes};
  if (output) to[n++] = (struct golden_tap){g->outputs[0], output};
  if (pixels)
    golden_run_pixels(net->golden, images, pixels, to, n);
  else
    golden_run_codes(net->golden, images, codes, to, n);
  arena_free(&a);
}

static int run_rescued(const struct nngen *net, int64_t images, const uint8_t *pixels,
                       const int32_t *codes, int32_t *output, const struct nngen_tap *taps,
                       uint32_t n_taps, struct nngen_error *error) {
  struct arena_rescue rescue;
  if (setjmp(rescue.at)) {
    struct err e = {0};
    err_put(&e, no_memory);
    return failed(&e, error);
  }
  arena_rescue_begin(&rescue);
  arena_probe(ROOM);
  run(net, images, pixels, codes, output, taps, n_taps);
  arena_rescue_end(&rescue);
  return 1;
}

static bool check_images(int64_t images, struct err *e) {
  return images >= 0 || err_set(e, "%lld images, expected 0 or more", (long long)images);
}

int nngen_run_pixels(const struct nngen *net, int64_t images, const uint8_t *pixels,
                     int32_t *output, const struct nngen_tap *taps, uint32_t n_taps,
                     struct nngen_error *error) {
  struct err e = {0};
  if (!net->graph->inputs[0].source.tables)
    err_put(&e, "the network's input doesn't come from pixels");
  if (e.text[0] || !check_images(images, &e) || !check_taps(net, taps, n_taps, &e))
    return failed(&e, error);
  return run_rescued(net, images, pixels, NULL, output, taps, n_taps, error);
}

static bool check_codes(const struct nngen *net, int64_t images, const int32_t *codes,
                        struct err *e) {
  const struct type *t = &net->graph->values[net->graph->inputs[0].value].type;
  int64_t elements = net->input.elements;
  for (int64_t i = 0; i < images * elements; i++)
    if (!type_is_code(t, type_code(t, codes[i])))
      return err_set(e, "image %lld, element %lld: code %lld, expected %lld to %lld",
                     (long long)(i / elements), (long long)(i % elements),
                     (long long)type_code(t, codes[i]), (long long)type_lowest(t),
                     (long long)type_highest(t));
  return true;
}

int nngen_run_codes(const struct nngen *net, int64_t images, const int32_t *codes, int32_t *output,
                    const struct nngen_tap *taps, uint32_t n_taps, struct nngen_error *error) {
  struct err e = {0};
  if (!check_images(images, &e) || !check_taps(net, taps, n_taps, &e) ||
      !check_codes(net, images, codes, &e))
    return failed(&e, error);
  return run_rescued(net, images, NULL, codes, output, taps, n_taps, error);
}

// ---- converting

static bool one_scale(const struct nngen_stream *s, struct err *e) {
  return s->axis < 0 || err_set(e, "stream \"%s\" has a scale per channel", s->name);
}

static bool encode(const struct nngen_stream *s, int64_t i, double real, int32_t *code,
                   struct err *e) {
  if (!isfinite(real)) return err_set(e, "element %lld isn't a finite number", (long long)i);
  *code = (int32_t)type_encode(s->type, real);
  return true;
}

int nngen_encode(const struct nngen_stream *s, int64_t count, const double *reals, int32_t *codes,
                 struct nngen_error *error) {
  struct err e = {0};
  bool ok = one_scale(s, &e);
  for (int64_t i = 0; ok && i < count; i++) ok = encode(s, i, reals[i], &codes[i], &e);
  return ok ? 1 : failed(&e, error);
}

int nngen_encode_floats(const struct nngen_stream *s, int64_t count, const float *reals,
                        int32_t *codes, struct nngen_error *error) {
  struct err e = {0};
  bool ok = one_scale(s, &e);
  for (int64_t i = 0; ok && i < count; i++) ok = encode(s, i, (double)reals[i], &codes[i], &e);
  return ok ? 1 : failed(&e, error);
}

int nngen_encode_integers(const struct nngen_stream *s, int64_t count, const int64_t *integers,
                          int32_t *codes, struct nngen_error *error) {
  struct err e = {0};
  bool ok = one_scale(s, &e);
  for (int64_t i = 0; ok && i < count; i++)
    codes[i] = (int32_t)type_encode_integer(s->type, integers[i]);
  return ok ? 1 : failed(&e, error);
}

void nngen_decode(const struct nngen_stream *s, int64_t images, const int32_t *codes,
                  double *reals) {
  bool bits = s->width == 32 && !s->is_signed;
  int64_t channels = 1, inner = s->elements;
  for (int k = 0; k <= s->axis; k++) {
    inner /= s->shape[k];
    channels = s->shape[k];
  }
  for (int64_t i = 0; i < images * s->elements; i++) {
    int64_t c = i / inner % channels;
    int64_t code = bits ? (int64_t)(uint32_t)codes[i] : codes[i];
    reals[i] = (double)(code - s->zero[c]) * s->scale[c];
  }
}
