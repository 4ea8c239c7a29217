// SPDX-License-Identifier: Apache-2.0
#include "cmd/run.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/graph/safetensors.h"

#include <math.h>
#include <string.h>

// ---- the file of outputs

// A number, or a list of one per channel.
static const char *list_text(struct arena *a, const struct type *t, bool zero) {
  struct text list = {0};
  text_puts(&list, t->axis >= 0 ? "[" : "");
  for (int64_t c = 0; c < (t->axis >= 0 ? t->channels : 1); c++) {
    if (c) text_puts(&list, ",");
    if (zero)
      text_printf(&list, "%d", type_zero(t, c));
    else
      json_put_real(&list, type_scale(t, c));
  }
  text_puts(&list, t->axis >= 0 ? "]" : "");
  const char *text = arena_strdup(a, list.data);
  text_free(&list);
  return text;
}

static const char *shape_text(struct arena *a, const struct value *v) {
  const char *text = "[";
  for (int d = 0; d < v->rank; d++)
    text = arena_printf(a, "%s%s%lld", text, d ? "," : "", (long long)v->shape[d]);
  return arena_printf(a, "%s]", text);
}

// I32 codes as they are, but those beyond its range in I64.
static struct tensor *code_tensor(const struct run *r, const struct run_output *o) {
  const struct type *t = &r->graph->values[o->value].type;
  if (o->tensor->dtype != DTYPE_I32 || type_highest(t) <= INT32_MAX) return o->tensor;
  struct tensor *wide = tensor_new(r->arena, DTYPE_I64, o->tensor->rank, o->tensor->shape);
  for (int64_t i = 0; i < wide->count; i++)
    tensor_set_int(wide, i, type_code(t, ((const int32_t *)o->tensor->data)[i]));
  return wide;
}

static struct tensor *label_tensor(const struct run *r) {
  const int32_t *labels = r->set.labels ? r->set.labels : r->answers.classes;
  if (!labels) return NULL;
  struct tensor *t = tensor_new(r->arena, DTYPE_I32, 1, &r->set.count);
  memcpy(t->data, labels, (size_t)r->set.count * sizeof *labels);
  return t;
}

bool run_write(const struct run *r, const char *path, struct err *e) {
  uint32_t n = r->n_outputs, pairs = 0;
  struct named_tensor *tensors = ARENA_NEW(r->arena, struct named_tensor, n + 2);
  const char *(*metadata)[2] = arena_alloc(r->arena, 3 * n + 1, sizeof *metadata);
  for (uint32_t i = 0; i < n; i++) {
    const struct value *y = &r->graph->values[r->outputs[i].value];
    const char *before = n > 1 ? arena_printf(r->arena, "%s.", y->name) : "";
    tensors[i] = (struct named_tensor){n > 1 ? y->name : "output", code_tensor(r, &r->outputs[i])};
    metadata[pairs][0] = arena_printf(r->arena, "%sshape", before);
    metadata[pairs++][1] = shape_text(r->arena, y);
    if (r->outputs[i].tensor->dtype == DTYPE_F32) continue;
    metadata[pairs][0] = arena_printf(r->arena, "%sscale", before);
    metadata[pairs++][1] = list_text(r->arena, &y->type, false);
    metadata[pairs][0] = arena_printf(r->arena, "%szero", before);
    metadata[pairs++][1] = list_text(r->arena, &y->type, true);
  }
  if (n == 1) {
    metadata[pairs][0] = "name";
    metadata[pairs++][1] = r->graph->values[r->outputs[0].value].name;
  }
  if (r->exit) {
    struct tensor *nets = tensor_new(r->arena, DTYPE_I32, 1, &r->set.count);
    memcpy(nets->data, r->exit->nets, (size_t)r->set.count * sizeof *r->exit->nets);
    tensors[n++] = (struct named_tensor){"nets", nets};
  }
  struct tensor *label = label_tensor(r);
  for (uint32_t i = 0; label && i < n; i++)
    if (strcmp(tensors[i].name, "label") == 0) label = NULL; // an output's own name comes first
  if (label) tensors[n++] = (struct named_tensor){"label", label};
  struct safetensors file = {n, tensors, pairs, metadata};
  return safetensors_write(path, &file, e);
}

// ---- figures

double run_snr_db(const struct layer_loss *l) {
  return l->of.noise > 0 ? 10 * log10(l->of.signal / l->of.noise) : INFINITY;
}

static double rate(const struct run *r) {
  return r->seconds > 0 ? (double)r->set.count / r->seconds : NAN;
}

static int64_t elements(const struct run *r) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < r->n_outputs; i++)
    sum += value_elements(&r->graph->values[r->outputs[i].value]);
  return sum;
}

static struct listing losses(const struct run *r) {
  static const struct field fields[] = {{"<layer", "name", FIELD_NAME, 0, 0},
                                        {"SNR dB", "snr_db", FIELD_REAL, 2, 2},
                                        {"saturated %", "saturated", FIELD_SHARE, 3, 6}};
  struct listing t = listing_new(r->arena, fields, 3);
  for (uint32_t i = 0; i < r->n_losses; i++) {
    const struct stream_loss *l = &r->losses[i].of;
    listing_row(&t, (struct figure[]){{.text = r->losses[i].name},
                                      {.real = run_snr_db(&r->losses[i])},
                                      {.real = (double)l->saturated / (double)l->elements}});
  }
  return t;
}

void run_print_json(const struct run *r) {
  struct text t = {0};
  text_puts(&t, "{\"model\":");
  json_put_string(&t, r->model);
  text_printf(&t, ",\"executor\":\"%s\",\"images\":%lld", r->executor, (long long)r->set.count);
  if (r->answers.classes)
    text_printf(&t, ",\"correct\":%lld,\"accuracy\":%.6f", (long long)r->score.correct,
                (double)r->score.correct / (double)r->set.count);
  else
    text_puts(&t, ",\"correct\":null,\"accuracy\":null");
  if (r->answers.targets) {
    json_put_figure(&t, "r2", 6, verdict_r2(&r->verdict, &r->answers, &r->score));
    json_put_figure(&t, "mae", -1, verdict_mae(&r->verdict, &r->answers, &r->score));
  }
  if (r->exit) run_early_put_json(r, &t);
  json_put_figure(&t, "images_per_second", 0, rate(r));
  text_printf(&t, ",\"outputs\":%lld,\"layers\":[", (long long)elements(r));
  struct listing layers = losses(r);
  listing_put_json(&layers, &t);
  text_puts(&t, "]");
  if (r->comparison) run_compare_put_json(r, &t);
  warnings_put_json(&t, r->warnings);
  text_puts(&t, "}\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

static void put_score(struct text *t, const struct run *r) {
  double r2 = verdict_r2(&r->verdict, &r->answers, &r->score);
  double mae = verdict_mae(&r->verdict, &r->answers, &r->score);
  if (r->answers.classes)
    text_printf(t, "accuracy  %.2f %% (%lld correct)\n",
                100 * (double)r->score.correct / (double)r->set.count, (long long)r->score.correct);
  if (isfinite(r2)) text_printf(t, "R2        %.6f\n", r2);
  if (isfinite(mae)) text_printf(t, "MAE       %.6g\n", mae);
  if (r->n_outputs > 1 && (r->answers.classes || r->answers.targets)) {
    text_puts(t, "judged    output ");
    text_put_escaped(t, listing_name(r->arena, r->verdict.name));
    text_puts(t, "\n");
  }
}

void run_print_text(const struct run *r) {
  struct text t = {0};
  text_put_escaped(&t, r->model);
  text_printf(&t, ", %s, %lld images of ", r->executor, (long long)r->set.count);
  text_put_escaped(&t, r->set.name);
  text_puts(&t, "\n");
  put_score(&t, r);
  if (r->exit) run_early_put(r, &t);
  if (r->comparison) run_compare_put(r, &t);
  if (isfinite(rate(r))) text_printf(&t, "speed     %.0f images/s\n", rate(r));
  if (r->n_losses) {
    struct listing layers = losses(r);
    text_puts(&t, "\nagainst the float model:\n");
    listing_put(&layers, &t);
  }
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}
