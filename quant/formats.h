// SPDX-License-Identifier: Apache-2.0
// Which number format each layer gets: the command line, refined by a formats file
//   {"defaults":{"stream":"8,3","weight":"8,auto"},"kinds":{"softsign":{..}},"layers":{"fc1":{..}},
//    "input":"4,auto"}
// with the keys stream, weight, rounding, overflow, where. The most particular entry wins. A stream
// whose width alone is given takes its sign and its scale from calibration (calibrate.h).
#ifndef NNGEN_QUANT_FORMATS_H
#define NNGEN_QUANT_FORMATS_H

#include "sw/graph/graph.h"

// The formats of one layer.
struct format {
  bool has_stream, has_weight;
  bool stream_auto; // the width of `stream` counts, calibration finds the rest
  bool stream_own;  // an entry of this layer says it
  struct type stream;
  enum { WEIGHT_AUTO, WEIGHT_CHANNEL, WEIGHT_TYPE } weight; // how the scale is found
  enum type_class weight_class;      // AUTO, CHANNEL: FIXED, MINIFLOAT, RESIDUAL, signs
  int weight_width;                  // AUTO, CHANNEL, of FIXED
  struct minifloat weight_minifloat; // AUTO, CHANNEL, of MINIFLOAT
  struct residual weight_residual;   // AUTO, CHANNEL, of RESIDUAL: how many planes
  struct blocked weight_block;       // AUTO, of BLOCK
  bool weight_ocp;                   // AUTO, of BLOCK: exponents by OCP's rule
  struct type weight_type;           // TYPE
  int rounding, overflow;            // enum fix_*; NONE: not given
  int where;                         // enum where; NONE: not given
};

enum input_precision { INPUT_STREAM, INPUT_U8, INPUT_RAW };

struct format_entry {
  const char *name;
  bool used;
  struct format format;
};

struct formats {
  struct format defaults;
  uint32_t n_kinds, n_layers;
  struct format_entry *kinds, *layers;
  enum input_precision input;
  bool input_given;                // by the command line or the file
  bool has_input_type, input_auto; // auto: as of a stream
  struct type input_type;
};

// Parses "W,F", "uW,F", "bipolar", "eXmY", "eXmY,B", "W" or "W,auto" for --precision.
bool formats_set_stream(struct arena *a, struct format *f, const char *text, struct err *e);
// Parses "W,F", "W", "W,auto" or "W,channel" for --weight-precision; W may be bipolar, ternary,
// residualN or a minifloat, as in "e2m1,channel" ("e4m3,B" has the scale of bias B). Or "blockN:W",
// "blockN:eXmY" and with ",ocp" another rule for their exponents.
bool formats_set_weight(struct arena *a, struct format *f, const char *text, struct err *e);
// Parses "W,F", "uW,F", "W", "W,auto", "u8" or "raw" for --input-precision.
bool formats_set_input(struct arena *a, struct formats *f, const char *text, struct err *e);
bool formats_set_rounding(struct format *f, const char *text, struct err *e);
bool formats_set_overflow(struct format *f, const char *text, struct err *e);

struct formats formats_new(void);

// Reads a formats file; its defaults fill what the command line left open.
bool formats_read(struct arena *a, const char *path, struct formats *f, struct err *e);
// The same of the text itself.
bool formats_parse(struct arena *a, const char *text, size_t size, struct formats *f,
                   struct err *e);

// The formats of one layer of a graph. False if an entry that names the layer says something that
// a layer of its kind doesn't have.
bool formats_of(struct formats *f, const struct node *n, struct format *format, struct err *e);

#endif
