// SPDX-License-Identifier: Apache-2.0
// The network that train begins with: a recipe, or a model to go on from.
#include "cmd/train.h"

#include "gen/folder.h"
#include "quant/quantize.h"
#include "sw/base/file.h"
#include "sw/base/library.h"
#include "sw/base/nearest_word.h"
#include "sw/import/import.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { RECIPE_MAX = 1 << 20 };

struct net {
  struct arena *arena;
  const struct options *options;
  uint64_t seed; // of the weights of a recipe
  struct recipe *recipe;
};

static bool parse_recipe(struct net *n, const char *what, const char *text, size_t size,
                         struct err *e) {
  return recipe_parse(n->arena, text, size, n->seed, n->recipe, e) || err_within(e, "%s", what);
}

static bool read_recipe(struct net *n, const char *path, struct err *e) {
  struct bytes file;
  return file_read(n->arena, path, RECIPE_MAX, &file, e) &&
         parse_recipe(n, path, (const char *)file.data, file.size, e);
}

static bool ends_with(const char *text, const char *suffix) {
  size_t n = strlen(text), m = strlen(suffix);
  return n >= m && strcmp(text + n - m, suffix) == 0;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The recipes that come with the program, sorted; the one that is near to `net` first.
static const char *recipe_names(struct arena *a, const char *net) {
  enum { MOST = 64 };
  const char *names[MOST], *list = "";
  size_t count = 0;
  DIR *dir = opendir(library_path(a, "models"));
  for (struct dirent *d; dir && count < MOST && (d = readdir(dir));)
    if (ends_with(d->d_name, ".json"))
      names[count++] = arena_printf(a, "%.*s", (int)strlen(d->d_name) - 5, d->d_name);
  if (dir) closedir(dir);
  qsort(names, count, sizeof *names, by_text);
  for (size_t i = 0; i < count; i++)
    list = arena_printf(a, "%s%s%s", list, i ? ", " : "", names[i]);
  const char *near = nearest_word(net, count, names);
  return near ? arena_printf(a, "did you mean %s? recipes: %s", near, list)
              : arena_printf(a, "recipes: %s", list);
}

static bool read_model(struct net *n, const char *net, struct err *e) {
  struct refusals refused = {0};
  struct graph *g = import_read(n->arena, net, &refused, e);
  if (!g) return false;
  struct warnings w = {0};
  load_notes(n->arena, &refused, true, &w);
  command_warn(n->options, &w, 0);
  const char **fixed = ARENA_NEW(n->arena, const char *, 4 * (int64_t)g->n_nodes + 1);
  *n->recipe = (struct recipe){.model = g, .target = {0, 1}, .fixed = fixed};
  n->recipe->n_fixed = graph_is_real(g) ? training_constants(g, fixed) : 0;
  return graph_is_real(g) || err_set(e, "%s: the model holds integers, train the float model", net);
}

bool train_net(struct arena *a, const struct options *o, uint64_t seed, struct recipe *out,
               struct err *e) {
  struct net n = {a, o, seed, out};
  const char *net = o->net;
  if (!net)
    return err_set(e, "--net: which network? a recipe (mnist-mlp), JSON text or a model.bin");
  if (net[0] == '{') return parse_recipe(&n, "--net", net, strlen(net), e);
  if (ends_with(net, ".json")) return read_recipe(&n, net, e);
  const char *path = library_path(a, arena_printf(a, "models/%s.json", net));
  if (!strchr(net, '/') && !ends_with(net, ".bin")) {
    if (file_exists(path)) return read_recipe(&n, path, e);
    if (!file_exists(net))
      return err_set(e, "--net %s: there is no recipe and no file of this name (%s)", net,
                     recipe_names(a, net));
  }
  return read_model(&n, net, e);
}
