// SPDX-License-Identifier: Apache-2.0
// search best|front|list|show N|formats N FILE: what a journal holds, a point's files, and how good
// the chosen one is on test images.
#include "cmd/search_net.h"
#include "cmd/search_page.h"
#include "cmd/search_result.h"

#include "sw/base/file.h"
#include "sw/base/sha256.h"
#include "sw/graph/model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct shown {
  struct arena *arena;
  const struct options *options;
  struct journal journal;
  const struct journal_study *study;
  const struct trial *trial; // show, formats; best with one objective
};

static const char *const one_word[] = {"best", "front", "list", NULL};
static const char *const two_words[] = {"show", "formats", NULL};

static bool is_one_of(const char *word, const char *const *list) {
  while (*list && strcmp(*list, word) != 0) list++;
  return *list != NULL;
}

bool search_shows(const struct options *o) {
  return o->n_more > 0 && (is_one_of(o->model, one_word) || is_one_of(o->model, two_words));
}

// ---- the trial that is meant

static bool find_trial(struct shown *s, const char *word, struct err *e) {
  char *end;
  errno = 0;
  long long number = strtoll(word, &end, 10);
  if (*word < '0' || *word > '9' || *end || errno || number >= s->study->n_trials)
    return err_set(e, "%s: there is no trial %s: it has 0 to %lld", s->journal.path, word,
                   (long long)s->study->n_trials - 1);
  s->trial = &s->journal.trials[s->study->trials[number]];
  return true;
}

static bool find_best(struct shown *s, struct err *e) {
  uint32_t *numbers = ARENA_NEW(s->arena, uint32_t, s->study->n_trials + 1);
  uint32_t n = study_best(&s->journal, s->study, numbers);
  if (!n) return err_set(e, "%s: no trial is complete and keeps the limits", s->journal.path);
  if (s->study->n_directions > 1 && n > 1)
    return err_set(e, "%s: has a front of %u trials: choose one, nngen search show N --data SET %s",
                   s->journal.path, n, s->journal.path);
  s->trial = &s->journal.trials[s->study->trials[numbers[0]]];
  return true;
}

// ---- a point of a study as what the passes take

static const char *attribute(struct arena *a, const struct trial *t, const char *key) {
  struct text text = {0};
  const json_t *v = json_object_get(t->user, key);
  if (!v) return NULL;
  result_put_json(v, &text);
  const char *out = arena_strdup(a, text.data);
  text_free(&text);
  return out;
}

static const char *word_in(struct arena *a, const json_t *object, const char *key) {
  const char *word = json_string_value(json_object_get(object, key));
  return word ? arena_strdup(a, word) : NULL;
}

static bool read_assignment(struct shown *s, struct assignment *out, struct err *e) {
  const json_t *list = json_object_get(s->trial->user, "prune"), *v;
  size_t i;
  *out = (struct assignment){.formats = attribute(s->arena, s->trial, "formats"),
                             .folding = attribute(s->arena, s->trial, "folding"),
                             .prune = attribute(s->arena, s->trial, "prune")};
  out->prunings = ARENA_NEW(s->arena, struct pruning_part, json_array_size(list) + 1);
  json_array_foreach((json_t *)list, i, v) {
    struct pruning_part p = {.layer = word_in(s->arena, v, "layer"),
                             .amount = json_number_value(json_object_get(v, "amount")),
                             .kind = word_in(s->arena, v, "kind"),
                             .lanes = word_in(s->arena, v, "lanes"),
                             .score = word_in(s->arena, v, "score")};
    if (!p.kind || !p.lanes) break;
    out->prunings[out->n_prunings++] = p;
  }
  return (out->formats && out->folding && out->prune) ||
         err_set(e,
                 "%s: trial %lld has no \"formats\", \"folding\" and \"prune\": search made none "
                 "of it",
                 s->journal.path, (long long)s->trial->number);
}

// The model that was searched, if it is still the same; of --net the trial's, trained again.
static struct graph *read_model(struct shown *s, struct load *l, struct err *e) {
  const char *path = word_in(s->arena, s->study->user, "model_file"),
             *sha = word_in(s->arena, s->study->user, "model"),
             *quantise = word_in(s->arena, s->study->user, "quantise");
  struct bytes file;
  struct model m;
  if (!path || !sha || !quantise) {
    err_put(e, "%s: doesn't say which model was searched", s->journal.path);
    return NULL;
  }
  const char *plan = attribute(s->arena, s->trial, "train");
  if (!search_quantise_read(s->arena, quantise, l, e)) return NULL;
  if (plan && search_net_makes(plan)) return search_net_train(s->arena, plan, NULL, e);
  if (!file_read(s->arena, load_path(s->arena, path), MODEL_BYTES_MAX, &file, e)) return NULL;
  if (strcmp(sha256_hex(s->arena, file.data, file.size), sha) != 0) {
    err_put(e, "%s: isn't the model any more that %s is about", path, s->journal.path);
    return NULL;
  }
  struct load read = {.input_mean = l->input_mean, .input_std = l->input_std};
  return load_model(s->arena, path, &read, &m, e) ? m.whole : NULL;
}

// ---- on test images

static bool judge(struct shown *s, double *accuracy, int64_t *images, struct err *e) {
  struct assignment to;
  struct objectives errors;
  struct evaluator v = {.threads = 1, .objectives = &errors};
  struct images set;
  double metrics[METRICS];
  if (!objectives_parse("errors", NULL, 0, NULL, &errors, e) || !read_assignment(s, &to, e))
    return false;
  v.whole = read_model(s, &v.load, e);
  if (!v.whole || !command_images(s->arena, s->options, v.whole, s->options->images, &set, e))
    return false;
  v.set = &set;
  v.images = set.count;
  v.load.n_data = s->options->data.count;
  v.load.data = (const char *const *)s->options->data.word;
  v.plan = attribute(s->arena, s->trial, "train");
  if (v.plan) v.tune = search_net_tune;
  if (evaluate(&v, &to, NULL, metrics, e) != OUTCOME_COMPLETE) return false;
  *images = set.count;
  *accuracy = 1 - metrics[METRIC_errors] / (double)set.count;
  return !isnan(*accuracy) || err_set(e, "%s: it has no labels: accuracy is of labels", set.name);
}

// ---- what each word prints

static bool put_judged(struct shown *s, struct text *t, struct err *e) {
  const struct options *o = s->options;
  double accuracy;
  int64_t images;
  if (!o->data.count) return true;
  if (!judge(s, &accuracy, &images, e)) return false;
  const char *set = o->data.word[0];
  const char *data = word_in(s->arena, s->study->user, "data");
  if (o->json) {
    text_puts(t, ",\"data\":");
    json_put_string(t, set);
    json_put_figure(t, "accuracy", 6, accuracy);
    text_printf(t, ",\"images\":%lld", (long long)images);
    return true;
  }
  text_printf(t, "\ntrial %lld: accuracy %.2f %% of %lld images of ", (long long)s->trial->number,
              100 * accuracy, (long long)images);
  text_put_escaped(t, set);
  text_puts(t, "; it was chosen by ");
  text_put_escaped(t, data ? data : "other images");
  text_puts(t, "\n");
  return true;
}

static bool put_best(struct shown *s, struct text *t, struct err *e) {
  if (s->options->data.count && !find_best(s, e)) return false;
  if (!s->options->json) {
    result_put(s->arena, &s->journal, s->study, "", t);
    return put_judged(s, t, e);
  }
  text_puts(t, "{\"study\":");
  json_put_string(t, s->journal.path);
  result_put_best(s->arena, &s->journal, s->study, t);
  bool ok = put_judged(s, t, e);
  text_puts(t, "}\n");
  return ok;
}

static bool put_list(struct shown *s, struct text *t) {
  uint32_t *all = ARENA_NEW(s->arena, uint32_t, s->study->n_trials + 1);
  for (uint32_t i = 0; i < s->study->n_trials; i++) all[i] = i;
  if (!s->options->json) {
    result_table(s->arena, &s->journal, s->study, s->study->n_trials, all, true, t);
    return true;
  }
  text_puts(t, "{\"study\":");
  json_put_string(t, s->journal.path);
  text_puts(t, ",\"trials\":[");
  for (uint32_t i = 0; i < s->study->n_trials; i++) {
    text_puts(t, i ? ",\n" : "\n");
    result_put_trial(&s->journal.trials[s->study->trials[i]], t);
  }
  text_puts(t, "]}\n");
  return true;
}

static bool put_trial(struct shown *s, struct text *t, struct err *e) {
  static const char *const attributes[] = {"formats", "folding", "prune", "error"};
  const struct trial *trial = s->trial;
  uint32_t number = (uint32_t)trial->number;
  if (s->options->json) {
    result_put_trial(trial, t);
    t->size--; // its brace
    bool ok = put_judged(s, t, e);
    text_puts(t, "}\n");
    return ok;
  }
  result_table(s->arena, &s->journal, s->study, 1, &number, true, t);
  text_puts(t, "\n");
  result_put_params(trial, t);
  for (int m = 0; m < METRICS; m++)
    if (!isnan(result_metric(trial, (enum metric)m)))
      text_printf(t, "%s  %s %.10g%s%s\n", m ? "" : "\n", metric_rows[m].name,
                  result_metric(trial, (enum metric)m), metric_rows[m].unit[0] ? " " : "",
                  metric_rows[m].unit);
  for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
    const char *text = attribute(s->arena, trial, attributes[i]);
    if (!text) continue;
    text_printf(t, "\n%s ", attributes[i]);
    text_put_escaped(t, text);
    text_puts(t, "\n");
  }
  return put_judged(s, t, e);
}

// ---- files

static bool write_text(struct shown *s, const char *name, const char *text, struct err *e) {
  const char *path = arena_printf(s->arena, "%s/%s", s->options->output, name);
  const char *line = arena_printf(s->arena, "%s\n", text);
  return file_write(path, line, strlen(line), e);
}

static void put_word(struct text *t, const char *option, const char *word) {
  if (!word) return;
  text_printf(t, " %s%s'", option, *option ? " " : "");
  for (const char *c = word; *c; c++) // within a shell's quotes
    *c == '\'' ? text_puts(t, "'\\''") : text_put(t, c, 1);
  text_puts(t, "'");
}

static void put_generate(struct shown *s, const struct load *l, const char *model,
                         struct text *out) {
  struct text line = {0}, *t = &line;
  const struct {
    const char *option, *word;
  } words[] = {{"--precision", l->precision},
               {"--weight-precision", l->weight_precision},
               {"--input-precision", l->input_precision},
               {"--rounding", l->rounding},
               {"--overflow", l->overflow},
               {"--input-mean", l->input_mean},
               {"--input-std", l->input_std},
               {"--method", l->method},
               {"--scales", l->scales},
               {"--bias-correct", l->bias_correct},
               {"--equalize", l->equalize}};
  json_t *circuit = NULL;
  const char *own = json_string_value(json_object_get(s->study->user, "circuit"));
  struct err unused = {0};
  text_puts(t, "nngen generate");
  put_word(t, "--formats", arena_printf(s->arena, "%s/formats.json", s->options->output));
  put_word(t, "--folding", arena_printf(s->arena, "%s/folding.json", s->options->output));
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    put_word(t, words[i].option, words[i].word);
  for (int i = 0; i < l->n_calibrate; i++) put_word(t, "--calibrate", l->calibrate[i]);
  if (l->output_width) text_printf(t, " --keep-output %lld", (long long)l->output_width);
  if (own) circuit = json_parse(own, strlen(own), &unused);
  int64_t lanes = json_integer_value(json_object_get(circuit, "parallelism"));
  if (lanes) text_printf(t, " --parallelism %lld", (long long)lanes);
  json_decref(circuit);
  put_word(t, "", model);
  text_put_escaped(out, line.data); // words of a file
  text_puts(out, "\n");
  text_free(&line);
}

static bool holds(struct shown *s, const char *name, const char *text) {
  const char *path = arena_printf(s->arena, "%s/%s", s->options->output, name);
  struct bytes file;
  struct err unused = {0};
  size_t size = strlen(text);
  return file_exists(path) && file_read(s->arena, path, size + 1, &file, &unused) &&
         file.size == size + 1 && memcmp(file.data, text, size) == 0;
}

// Files that are there may be somebody's own: nothing is written over but this point again.
static bool make_folder(struct shown *s, const struct assignment *to, struct err *e) {
  static const char *const names[] = {"formats.json", "folding.json", "model.bin"};
  const char *dir = s->options->output;
  bool own = holds(s, "formats.json", to->formats) && holds(s, "folding.json", to->folding);
  for (size_t i = 0; !own && i < sizeof names / sizeof *names; i++) {
    const char *path = arena_printf(s->arena, "%s/%s", dir, names[i]);
    if (file_exists(path))
      return err_set(e, "%s is there already, and not of trial %lld: give -o another folder", path,
                     (long long)s->trial->number);
  }
  return mkdir(dir, 0777) == 0 || errno == EEXIST || err_set(e, "%s: %s", dir, strerror(errno));
}

static bool put_files(struct shown *s, struct text *t, struct err *e) {
  struct assignment to;
  struct load l;
  if (!read_assignment(s, &to, e)) return false;
  if (!s->options->output) {
    text_printf(t, "{\"formats\":%s,\"folding\":%s,\"prune\":%s}\n", to.formats, to.folding,
                to.prune);
    return true;
  }
  struct graph *whole = read_model(s, &l, e);
  struct graph *g = whole ? binding_prune(s->arena, whole, &to, e) : NULL;
  const char *model = word_in(s->arena, s->study->user, "model_file");
  const char *plan = attribute(s->arena, s->trial, "train");
  if (!g || (plan && g != whole && !search_net_tune(s->arena, plan, &g, e))) return false;
  if (!make_folder(s, &to, e)) return false;
  if (g != whole || plan) {
    model = arena_printf(s->arena, "%s/model.bin", s->options->output);
    if (!graph_verify(g, e) || !model_write(model, g, e)) return false;
  }
  put_generate(s, &l, model, t);
  return write_text(s, "formats.json", to.formats, e) &&
         write_text(s, "folding.json", to.folding, e);
}

// ---- the whole

static bool check_words(const struct options *o, struct err *e) {
  bool two = is_one_of(o->model, two_words);
  if (two && o->n_more != 2)
    return err_set(e, "search %s: expected a trial's number and a study, as in %s 12 study.journal",
                   o->model, o->model);
  if (!two && o->n_more != 1)
    return err_set(e, "search %s: expected one study, found %s and %s", o->model, o->more[0],
                   o->more[1]);
  return true;
}

static bool show(struct shown *s, struct text *t, struct err *e) {
  const struct options *o = s->options;
  const char *word = o->model, *path = o->more[o->n_more - 1];
  uint32_t id;
  if (!check_words(o, e)) return false;
  if (!file_exists(path)) return err_set(e, "%s: there is no such study", path);
  if (!journal_open(&s->journal, path, e)) return false;
  s->study = study_only(&s->journal, &id, e);
  if (!s->study || (o->n_more == 2 && !find_trial(s, o->more[0], e))) return false;
  if (o->output && strcmp(word, "formats") != 0 &&
      !search_page(s->arena, &s->journal, s->study, o->output, e))
    return false;
  if (strcmp(word, "list") == 0) return put_list(s, t);
  if (strcmp(word, "show") == 0) return put_trial(s, t, e);
  if (strcmp(word, "formats") == 0) return put_files(s, t, e);
  return put_best(s, t, e);
}

int search_show(struct arena *a, const struct options *o, struct err *e) {
  struct shown s = {.arena = a, .options = o};
  struct text t = {0};
  bool ok = show(&s, &t, e);
  if (ok && t.size) fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  journal_close(&s.journal);
  return ok ? EXIT_GOOD : EXIT_USER;
}
