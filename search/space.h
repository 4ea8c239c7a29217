// SPDX-License-Identifier: Apache-2.0
// The space that is searched: a file
//
//   {"parameters":{"fc1.kind":{"choices":["fixed","log"]},
//                  "fc1.bits":{"int":[2,8],"when":{"fc1.kind":"fixed"}},
//                  "fc1.prune":{"float":[0,0.95,0.05]}},
//    "defaults":{"fc1.weight":"{fc1.bits},channel"},
//    "first":[{"fc1.kind":"fixed","fc1.bits":8}],
//    "compress":{"prune":{..}}}
//
// A parameter with `when` is there only where each of the others that it names is there and has
// one of the values. `defaults` are fields that every point has; {NAME} in a text stands for the
// value of a parameter. `first` are points to begin with.
#ifndef NNGEN_SEARCH_SPACE_H
#define NNGEN_SEARCH_SPACE_H

#include "search/param.h"

enum { SPACE_PARAMS_MOST = 4096, SPACE_BYTES_MOST = 1 << 20 };

struct condition {
  uint32_t param;
  uint32_t n;
  double *values; // (n)
};

struct space_param {
  struct param is;
  uint32_t n_when;
  struct condition *when; // (n_when) all of them hold where the parameter is there
};

struct default_field {
  const char *name;  // LAYER.FIELD or FIELD
  const char *plain; // with {NAME} for parameters
};

struct search_space {
  uint32_t n;
  struct space_param *params; // (n) in the order of the file
  uint32_t *order;            // (n) each behind those that it depends on
  uint32_t n_defaults;
  struct default_field *defaults;
  uint32_t n_first;
  double **first;       // (n_first) points
  const char *compress; // JSON of it, or NULL
  const char *json;     // the file as compact JSON, keys in its order: what a study remembers
};

// Whoever looks at what a file says about a bad entry gets the parameter's name and the reason.
bool space_parse(struct arena *a, const char *json, size_t size, struct search_space *s,
                 struct err *e);
bool space_read(struct arena *a, const char *path, struct search_space *s, struct err *e);

// SPACE_NONE if there is none of this name.
#define SPACE_NONE UINT32_MAX
uint32_t space_find(const struct search_space *s, const char *name);

// Whether parameter i is there, from those before it in `order`; absent ones are NAN.
bool space_active(const struct search_space *s, uint32_t i, const double *x);

// A point of the space: every parameter that is there has one of its values, the others NAN.
bool space_contains(const struct search_space *s, const double *x);

// The same values, NAN as NAN.
bool space_same(const struct search_space *s, const double *x, const double *y);

// {"fc1.bits":4,..} of those that are there.
void space_put_point(struct text *t, const struct search_space *s, const double *x);

#endif
