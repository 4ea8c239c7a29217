// SPDX-License-Identifier: Apache-2.0
#include "sw/import/layout.h"

#include <string.h>

// The first atom of an axis; of the axis behind the last: how many there are.
static int first_atom(const struct layout *l, int axis) {
  int atom = 0;
  for (int d = 0; d < axis; d++)
    for (int64_t rest = l->shape[d]; rest > 1; rest /= l->size[atom++]) {
    }
  return atom;
}

struct layout layout_new(int rank, const int64_t *shape, const int *axes) {
  struct layout l = {.rank = rank};
  int atom_of[RANK_MAX], place = 0;
  for (int d = 0; d < rank; d++) {
    l.shape[d] = shape[d];
    atom_of[d] = shape[d] > 1 ? l.atoms : NONE;
    if (shape[d] > 1) l.size[l.atoms++] = shape[d];
  }
  for (int k = 0; k < rank; k++) {
    int atom = atom_of[axes ? axes[k] : k];
    if (atom != NONE) l.place[atom] = place++;
  }
  return l;
}

int64_t layout_elements(const struct layout *l) {
  return shape_elements(l->rank, l->shape);
}

// Atom i becomes two, of which the first has `outer` elements.
static void cut(struct layout *l, int i, int64_t outer) {
  for (int k = 0; k < l->atoms; k++) l->place[k] += l->place[k] > l->place[i];
  memmove(&l->size[i + 1], &l->size[i], (size_t)(l->atoms - i) * sizeof *l->size);
  memmove(&l->place[i + 1], &l->place[i], (size_t)(l->atoms - i) * sizeof *l->place);
  l->size[i] = outer;
  l->size[i + 1] /= outer;
  l->place[i + 1]++;
  l->atoms++;
}

// Atoms that lie side by side in both orders are one, and are cut anew.
static void join_atoms(struct layout *l) {
  for (int i = 0; i + 1 < l->atoms;) {
    if (l->place[i + 1] != l->place[i] + 1) {
      i++;
      continue;
    }
    l->size[i] *= l->size[i + 1];
    for (int k = 0; k < l->atoms; k++) l->place[k] -= l->place[k] > l->place[i];
    memmove(&l->size[i + 1], &l->size[i + 2], (size_t)(l->atoms - i - 2) * sizeof *l->size);
    memmove(&l->place[i + 1], &l->place[i + 2], (size_t)(l->atoms - i - 2) * sizeof *l->place);
    l->atoms--;
  }
}

bool layout_reshape(struct layout *l, int rank, const int64_t *shape) {
  struct layout to = *l;
  join_atoms(&to);
  int atom = 0;
  for (int d = 0; d < rank; d++)
    for (int64_t rest = shape[d]; rest > 1; rest /= to.size[atom++]) {
      if (rest % to.size[atom] == 0) continue;
      if (to.size[atom] % rest || to.atoms == ATOMS_MAX) return false;
      cut(&to, atom, rest);
    }
  to.rank = rank;
  memcpy(to.shape, shape, (size_t)rank * sizeof *shape);
  *l = to;
  return true;
}

void layout_permute(struct layout *l, const int *axes) {
  struct layout from = *l;
  int atom = 0;
  for (int k = 0; k < l->rank; k++) {
    l->shape[k] = from.shape[axes[k]];
    for (int i = first_atom(&from, axes[k]); i < first_atom(&from, axes[k] + 1); i++, atom++) {
      l->size[atom] = from.size[i];
      l->place[atom] = from.place[i];
    }
  }
}

bool layout_is(const struct layout *l, const int *axes) {
  int place = 0;
  for (int k = 0; k < l->rank; k++)
    for (int i = first_atom(l, axes[k]); i < first_atom(l, axes[k] + 1); i++)
      if (l->place[i] != place++) return false;
  return true;
}

bool layout_axes(const struct layout *l, int axes[RANK_MAX]) {
  int n = 0;
  bool taken[RANK_MAX] = {false};
  for (int place = 0; place < l->atoms; place++)
    for (int d = 0; d < l->rank; d++) {
      int atom = first_atom(l, d);
      if (taken[d] || l->shape[d] == 1 || l->place[atom] != place) continue;
      taken[d] = true;
      axes[n++] = d;
    }
  // an axis of one element lies anywhere: behind the last that stands before it in the file
  for (int d = 0; d < l->rank; d++) {
    if (l->shape[d] > 1) continue;
    int at = 0;
    for (int k = 0; k < n; k++)
      if (axes[k] < d) at = k + 1;
    memmove(&axes[at + 1], &axes[at], (size_t)(n - at) * sizeof *axes);
    axes[at] = d;
    n++;
  }
  return n == l->rank && layout_is(l, axes);
}

void layout_last(int *axes, int n, int axis) {
  int kept = 0;
  for (int k = 0; k < n; k++)
    if (axes[k] != axis) axes[kept++] = axes[k];
  axes[n - 1] = axis;
}

void layout_moves(const struct layout *l, const int *axes, int64_t shape[ATOMS_MAX],
                  int moves[ATOMS_MAX]) {
  int n = 0;
  for (int i = 0; i < l->atoms; i++) shape[l->place[i]] = l->size[i];
  for (int k = 0; k < l->rank; k++)
    for (int i = first_atom(l, axes[k]); i < first_atom(l, axes[k] + 1); i++)
      moves[n++] = l->place[i];
}

int64_t *layout_indices(struct arena *a, const struct layout *l) {
  int64_t n = layout_elements(l), *index = ARENA_NEW(a, int64_t, n);
  int64_t size[ATOMS_MAX], step[ATOMS_MAX], at[ATOMS_MAX] = {0}, stride = 1, i = 0;
  for (int k = l->atoms - 1; k >= 0; k--) {
    size[l->place[k]] = l->size[k];
    step[l->place[k]] = stride;
    stride *= l->size[k];
  }
  for (int64_t o = 0; o < n; o++) {
    index[o] = i;
    for (int k = l->atoms - 1; k >= 0; k--) { // count up, innermost first
      i += step[k];
      if (++at[k] < size[k]) break;
      i -= step[k] * size[k];
      at[k] = 0;
    }
  }
  return index;
}

bool layout_stretches(const struct layout *l, const struct tensor *t) {
  bool fits = t->rank <= l->rank;
  for (int d = 0; fits && d < t->rank; d++)
    fits = t->shape[d] == 1 || t->shape[d] == l->shape[d + l->rank - t->rank];
  return fits;
}

bool layout_equal(const struct layout *a, const struct layout *b) {
  struct layout x = *a, y = *b;
  join_atoms(&x);
  join_atoms(&y);
  if (x.atoms != y.atoms || x.rank != y.rank) return false;
  for (int d = 0; d < x.rank; d++)
    if (x.shape[d] != y.shape[d]) return false;
  for (int i = 0; i < x.atoms; i++)
    if (x.size[i] != y.size[i] || x.place[i] != y.place[i]) return false;
  return true;
}
