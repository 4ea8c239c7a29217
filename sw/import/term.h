// SPDX-License-Identifier: Apache-2.0
// Functions of each element of one stream, as files compose them: x / (1 + |x|). A term becomes a
// kind of the graph when a layer needs it: the one that has its value on a grid of inputs. A term
// without one is taken apart.
#ifndef NNGEN_IMPORT_TERM_H
#define NNGEN_IMPORT_TERM_H

#include "sw/import/builder.h"

enum function {
#define FUNCTION(id, ...) FUNCTION_##id,
#include "sw/import/functions.def"
#undef FUNCTION
  FUNCTION_COUNT,
  FUNCTION_X,       // the element of the stream
  FUNCTION_CONSTANT // a number
};

int function_find(const char *name); // NONE if unknown
int function_operands(enum function f);
double function_value(enum function f, double x, double y, double z);

struct term {
  enum function function;
  double constant;
  struct term *operand[3];
  const char *name, *op; // of the layer that makes it: the file's last node
  bool made;             // as `stream`
  bool listed;           // its constants are
  bool known;            // `value` at `at`: files share operands, and each is computed once
  double at, value;
  struct stream stream;
};

struct term *term_x(struct arena *a);
struct term *term_constant(struct arena *a, double value);
struct term *term_of(struct arena *a, enum function f, struct term *x, struct term *y,
                     struct term *z);

double term_value(struct term *t, double x);

// The layers that compute it of x; false if there are none, with the reason among the refusals.
bool term_make(struct builder *b, struct term *t, const struct stream *x, struct stream *out);

// Whether a term is one activation.
bool term_is_activation(struct term *t);

// Whether it is scale * x + shift.
bool term_is_affine(struct term *t, double *scale, double *shift);

// Whether f is one activation, and t is f(c x) / c.
bool term_is_rescaled(struct term *t, struct term *f, double c);

// Whether it is below * x below 0 and above * x above it.
bool term_slopes(struct term *t, double *below, double *above);

// Whether it is x above a number, which is one of its constants and above 0, and else 0.
bool term_threshold(struct term *t, double *threshold);

// Its constants, as far as they fit; how many.
enum { TERM_CONSTANTS = 32 };
int term_constants(struct term *t, double list[TERM_CONSTANTS]);

// Makes the layer of a term that is one activation of x, which becomes its output; whether it is.
bool term_match(struct builder *b, struct term *t, struct stream *x, bool *made);

// scale * x + shift, each a number for each index of the last of our axes (count 1: one for all).
bool term_affine(struct builder *b, struct stream *x, int64_t count, const double *scale,
                 const double *shift);

#endif
