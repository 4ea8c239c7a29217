// SPDX-License-Identifier: Apache-2.0
// JSON in and out. Parsing is jansson's, behind a limit on nesting; printing is ours, because
// files must be byte-identical and doubles the shortest text that reads back the same.
#ifndef NNGEN_BASE_JSON_H
#define NNGEN_BASE_JSON_H

#include "sw/base/err.h"
#include "sw/base/text.h"

#include <jansson.h>

enum { JSON_DEPTH_MAX = 32 };

// Parses one value; duplicate keys, trailing bytes, invalid UTF-8 and nesting beyond
// JSON_DEPTH_MAX are refused. NULL on error.
json_t *json_parse(const char *text, size_t size, struct err *e);

// Refuses keys of an object that aren't in the NULL-terminated list.
bool json_only(const json_t *object, const char *const *keys, const char *what, struct err *e);

// An empty object, and a new entry of it, whose key may be any bytes; without memory they end the
// program, as arenas do.
json_t *json_map(void);
void json_put(json_t *map, const char *key, json_t *value);

void json_put_string(struct text *t, const char *s);
void json_put_real(struct text *t, double v);

// ,"key":v with so many decimals (below 0: as many as it takes), or null where v is no figure.
void json_put_figure(struct text *t, const char *key, int decimals, double v);

#endif
