// SPDX-License-Identifier: Apache-2.0
// How the elements of a stream lie, and which array of the file they are. Reshapes and transposes
// of the file move nothing: they change what the array is, until a layer needs it otherwise.
//
//   file   (C, H, W)    atoms C H W, one per axis         Flatten: one axis of three atoms
//   ours   (H, W, C)    places 2 0 1                      the same places
//
// An atom is a factor of the shape that stays together; those of size 1 aren't kept.
#ifndef NNGEN_IMPORT_LAYOUT_H
#define NNGEN_IMPORT_LAYOUT_H

#include "sw/graph/graph.h"

enum { ATOMS_MAX = 24 };

struct layout {
  int atoms;
  int64_t size[ATOMS_MAX]; // of each atom, in the file's order
  int place[ATOMS_MAX];    // of each atom among ours, 0 the outermost
  int rank;                // of the file's array, without its batch
  int64_t shape[RANK_MAX];
};

// Of an array whose axis k in our order is the file's axis axes[k]; NULL: the same order.
struct layout layout_new(int rank, const int64_t *shape, const int *axes);

int64_t layout_elements(const struct layout *l);

// The file sees another shape of as many elements. False if atoms would have to be cut that our
// order has elsewhere: it must be in the file's order first.
bool layout_reshape(struct layout *l, int rank, const int64_t *shape);

// The file's axis k becomes what was its axis axes[k].
void layout_permute(struct layout *l, const int *axes);

// Whether our order is that of the file's axes axes[0], axes[1], ...
bool layout_is(const struct layout *l, const int *axes);

// An order of the file's axes that is ours; false if there is none: an axis is torn.
bool layout_axes(const struct layout *l, int axes[RANK_MAX]);

// Puts `axis` behind the others of a list of n axes.
void layout_last(int *axes, int n, int axis);

// The permutation of our atoms that makes our order that of `axes`, and their sizes before.
void layout_moves(const struct layout *l, const int *axes, int64_t shape[ATOMS_MAX],
                  int moves[ATOMS_MAX]);

// For each of our elements its index in the file's array: (elements).
int64_t *layout_indices(struct arena *a, const struct layout *l);

// Whether a constant without the batch stretches to the file's array.
bool layout_stretches(const struct layout *l, const struct tensor *t);

bool layout_equal(const struct layout *a, const struct layout *b);

#endif
