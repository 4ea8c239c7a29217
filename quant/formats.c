// SPDX-License-Identifier: Apache-2.0
#include "quant/formats.h"

#include "sw/base/file.h"
#include "sw/base/json.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, UNSAID_BITS = 16, AUTO_BITS_MAX = 16 };

struct formats formats_new(void) {
  return (struct formats){.defaults = {.rounding = NONE, .overflow = NONE, .where = NONE}};
}

// "W" or "W,auto": a width, of which calibration makes a type.
static bool parse_width(struct arena *a, const char *text, struct type *t) {
  char *end = NULL;
  long width = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : 0;
  if (width < 1 || width > AUTO_BITS_MAX || (*end && strcmp(end, ",auto") != 0)) return false;
  *t = type_fixed(a, (int)width, width > 1, 1, 0);
  return true;
}

// "e4m3", or "e4m3,B" with a bias of its own.
static bool set_float(struct arena *a, struct format *f, const char *text,
                      const struct minifloat *m, struct err *e) {
  if (!minifloat_check(m, e)) return err_within(e, "precision");
  if (minifloat_integer_width(m) > STREAM_BITS_MAX)
    return err_set(e, "precision %s: its numbers are integers of %d bits, a stream has at most %d",
                   text, minifloat_integer_width(m), STREAM_BITS_MAX);
  return type_parse_minifloat(a, text, &f->stream) ||
         err_set(e, "precision \"%s\", expected eXmY or eXmY,B, as in e4m3 or e4m3,9", text);
}

bool formats_set_stream(struct arena *a, struct format *f, const char *text, struct err *e) {
  struct minifloat m;
  f->has_stream = true;
  f->stream = type_of_class(TYPE_BIPOLAR);
  f->stream_auto = parse_width(a, text, &f->stream);
  if (f->stream_auto || strcmp(text, "bipolar") == 0 || type_parse_fixed(a, text, &f->stream))
    return true;
  if (minifloat_read(text, &m)) return set_float(a, f, text, &m, e);
  return err_set(
      e,
      "precision \"%s\", expected W,F or uW,F (1 to 32 bits, 2 to 32 signed; -32 <= F <= 60), "
      "as in 8,3, or bipolar, or eXmY, as in e4m3, or W (1 to %d bits) with --calibrate",
      text, AUTO_BITS_MAX);
}

// The W of "W,channel": a width, a class that has signs, a minifloat, or a residual. What follows
// it; NULL if there is none.
static const char *take_width(const char *text, struct format *f) {
  static const struct {
    const char *word;
    enum type_class cls;
  } classes[] = {{"bipolar", TYPE_BIPOLAR}, {"ternary", TYPE_TERNARY}};
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
    size_t length = strlen(classes[i].word);
    if (strncmp(text, classes[i].word, length) != 0) continue;
    f->weight_class = classes[i].cls;
    return text + length;
  }
  const char *behind = minifloat_read(text, &f->weight_minifloat);
  f->weight_class = TYPE_MINIFLOAT;
  if (behind) return behind;
  behind = residual_read(text, &f->weight_residual);
  f->weight_class = TYPE_RESIDUAL;
  if (behind) return behind;
  char *end = NULL;
  long width = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : 0;
  f->weight_class = TYPE_FIXED;
  f->weight_width = (int)width;
  return width >= 2 && width <= 32 ? end : NULL;
}

// "block16:4", "block32:e2m1,ocp"
static bool set_blocks(struct format *f, const char *text, struct err *e) {
  const char *end = block_read(text, &f->weight_block);
  bool ocp = end && strcmp(end, ",ocp") == 0;
  if (!end || (*end && !ocp))
    return err_set(e,
                   "weight precision \"%s\", expected blockN:W or blockN:eXmY, as in block16:4 or "
                   "block32:e2m1, and nothing or ,ocp behind it",
                   text);
  if (!block_check(&f->weight_block, e)) return err_within(e, "weight precision");
  f->weight = WEIGHT_AUTO;
  f->weight_class = TYPE_BLOCK;
  f->weight_ocp = ocp;
  return true;
}

bool formats_set_weight(struct arena *a, struct format *f, const char *text, struct err *e) {
  f->has_weight = true;
  f->weight = WEIGHT_TYPE;
  if (strncmp(text, "block", 5) == 0) return set_blocks(f, text, e);
  if (type_parse_fixed(a, text, &f->weight_type)) return true;
  const char *end = take_width(text, f);
  bool is_float = end && f->weight_class == TYPE_MINIFLOAT;
  if (is_float && !minifloat_check(&f->weight_minifloat, e))
    return err_within(e, "weight precision");
  if (end && f->weight_class == TYPE_RESIDUAL && !residual_check(&f->weight_residual, e))
    return err_within(e, "weight precision");
  if (is_float && *end && type_parse_minifloat(a, text, &f->weight_type)) return true;
  bool channel = end && strcmp(end, ",channel") == 0;
  if (!end || (*end && !channel && strcmp(end, ",auto") != 0))
    return err_set(e,
                   "weight precision \"%s\", expected W,F or W or W,auto or W,channel with "
                   "2 <= W <= 32, or bipolar, ternary, residualN or eXmY for W, or eXmY,B, or "
                   "blockN:W",
                   text);
  f->weight = channel ? WEIGHT_CHANNEL : WEIGHT_AUTO;
  return true;
}

bool formats_set_input(struct arena *a, struct formats *f, const char *text, struct err *e) {
  f->has_input_type = false;
  f->input_given = true;
  f->input = strcmp(text, "raw") == 0  ? INPUT_RAW
             : strcmp(text, "u8") == 0 ? INPUT_U8
                                       : INPUT_STREAM;
  if (f->input != INPUT_STREAM) return true;
  f->has_input_type = true;
  f->input_auto = parse_width(a, text, &f->input_type);
  return f->input_auto || type_parse_fixed(a, text, &f->input_type) ||
         err_set(e,
                 "input precision \"%s\", expected W,F or uW,F or u8 or raw, or W (1 to %d bits) "
                 "with --calibrate",
                 text, AUTO_BITS_MAX);
}

bool formats_set_rounding(struct format *f, const char *text, struct err *e) {
  f->rounding = fix_rounding_find(text);
  return f->rounding >= 0 ||
         err_set(e,
                 "rounding \"%s\", expected floor, zero, half_up, half_zero, half_down, "
                 "half_away, half_even, ceil, away or tflite",
                 text);
}

bool formats_set_overflow(struct format *f, const char *text, struct err *e) {
  f->overflow = fix_overflow_find(text);
  return f->overflow >= 0 ||
         err_set(e, "overflow \"%s\", expected saturate, symmetric, wrap or zero", text);
}

// {"format":"e3m4","scale":0.1}: so much times the format's numbers.
static bool read_minifloat(struct arena *a, const json_t *j, struct type *t, struct err *e) {
  static const char *const keys[] = {"format", "scale", NULL};
  const char *text = json_string_value(json_object_get(j, "format"));
  struct minifloat m;
  const char *end = text ? minifloat_read(text, &m) : NULL;
  double scale = json_number_value(json_object_get(j, "scale"));
  if (!json_only(j, keys, "type", e)) return false;
  if (!end || *end || !(scale > 0))
    return err_set(e, "type: expected {\"format\":\"e4m3\",\"scale\":S} with S > 0");
  if (!minifloat_check(&m, e)) return err_within(e, "type");
  scale *= type_minifloat_scale(&m, minifloat_bias(&m));
  *t = type_minifloat(a, &m, -1, 1, &scale);
  return true;
}

// {"fixed":"s8","scale":0.1,"zero":3}
static bool read_object(struct arena *a, const json_t *j, struct type *t, struct err *e) {
  static const char *const keys[] = {"fixed", "scale", "zero", NULL};
  const char *fixed = json_string_value(json_object_get(j, "fixed"));
  const json_t *zero = json_object_get(j, "zero");
  if (!json_only(j, keys, "type", e)) return false;
  bool is_signed = fixed && *fixed == 's';
  char *end = NULL;
  long width = fixed && (is_signed || *fixed == 'u') ? strtol(fixed + 1, &end, 10) : 0;
  double scale = json_number_value(json_object_get(j, "scale"));
  if (!end || *end || width < (is_signed ? 2 : 1) || width > 32 || !(scale > 0))
    return err_set(e, "type: expected {\"fixed\":\"s8\",\"scale\":S,\"zero\":Z} with S > 0");
  int64_t z = json_integer_value(zero);
  if ((zero && !json_is_integer(zero)) || z < fix_lowest((int)width, is_signed) ||
      z > fix_highest((int)width, is_signed) || z > INT32_MAX)
    return err_set(e, "type: zero lies outside of %s", fixed);
  *t = type_fixed(a, (int)width, is_signed, scale, (int32_t)z);
  return true;
}

static bool read_format(struct arena *a, const json_t *j, struct format *f, struct err *e) {
  static const char *const keys[] = {"stream", "weight", "rounding", "overflow", "where", NULL};
  const json_t *stream = json_object_get(j, "stream"), *weight = json_object_get(j, "weight");
  const json_t *rounding = json_object_get(j, "rounding"),
               *overflow = json_object_get(j, "overflow");
  const char *where = json_string_value(json_object_get(j, "where"));
  *f = (struct format){.rounding = NONE, .overflow = NONE, .where = NONE};
  if (!json_only(j, keys, "entry", e)) return false;
  if (json_is_object(stream)) {
    f->has_stream = true;
    if (!read_object(a, stream, &f->stream, e)) return err_within(e, "stream");
  } else if (stream && !formats_set_stream(
                           a, f, json_is_string(stream) ? json_string_value(stream) : "", e)) {
    return err_within(e, "stream");
  }
  if (json_is_object(weight)) {
    f->has_weight = true;
    f->weight = WEIGHT_TYPE;
    bool is_float = json_object_get(weight, "format") != NULL;
    if (!(is_float ? read_minifloat : read_object)(a, weight, &f->weight_type, e))
      return err_within(e, "weight");
  } else if (weight && !formats_set_weight(
                           a, f, json_is_string(weight) ? json_string_value(weight) : "", e)) {
    return err_within(e, "weight");
  }
  if (rounding &&
      !formats_set_rounding(f, json_is_string(rounding) ? json_string_value(rounding) : "", e))
    return false;
  if (json_object_get(j, "where") && (f->where = where_find(where ? where : "")) == NONE)
    return err_set(e, "where: \"%s\", expected \"circuit\" or \"host\"", where ? where : "?");
  return !overflow ||
         formats_set_overflow(f, json_is_string(overflow) ? json_string_value(overflow) : "", e);
}

static bool read_entries(struct arena *a, const json_t *root, const char *key,
                         struct format_entry **list, uint32_t *count, struct err *e) {
  const json_t *j = json_object_get(root, key);
  const char *name;
  json_t *value;
  if (j && !json_is_object(j)) return err_set(e, "%s: expected an object", key);
  *list = ARENA_NEW(a, struct format_entry, json_object_size(j));
  json_object_foreach((json_t *)j, name, value) {
    struct format_entry *entry = &(*list)[(*count)++];
    entry->name = arena_strdup(a, name);
    if (!read_format(a, value, &entry->format, e)) return err_within(e, "%s: \"%s\"", key, name);
  }
  return true;
}

// What `particular` says replaces what `general` says.
static struct format refine(struct format general, const struct format *particular) {
  if (particular->has_stream) {
    general.has_stream = true;
    general.stream_auto = particular->stream_auto;
    general.stream = particular->stream;
  }
  if (particular->has_weight) {
    general.has_weight = true;
    general.weight = particular->weight;
    general.weight_class = particular->weight_class;
    general.weight_width = particular->weight_width;
    general.weight_minifloat = particular->weight_minifloat;
    general.weight_residual = particular->weight_residual;
    general.weight_block = particular->weight_block;
    general.weight_ocp = particular->weight_ocp;
    general.weight_type = particular->weight_type;
  }
  if (particular->rounding != NONE) general.rounding = particular->rounding;
  if (particular->overflow != NONE) general.overflow = particular->overflow;
  if (particular->where != NONE) general.where = particular->where;
  return general;
}

// Kinds whose output's type follows from that of their input, or is their own.
static bool has_stream(enum op op) {
  return !op_is(op, TRAIT_ALIAS | TRAIT_REORDERS | TRAIT_INDEX | TRAIT_SKIPPED | TRAIT_NARROWS);
}

// What a kind requantises it rounds; tables are rounded as they are defined.
static bool has_rounding(enum op op) {
  return has_stream(op) && !op_is(op, TRAIT_HOST) && op_info(op)->curve == NONE;
}

static bool has_effect(enum op op, const struct format *f, struct err *e) {
  const char *name = op_info(op)->name;
  if (f->has_weight && !op_is(op, TRAIT_WEIGHTS))
    return err_set(e, "weight has no effect: %s has no weights", name);
  if (f->where != NONE && !op_is(op, TRAIT_HOST))
    return err_set(e, "where has no effect: %s is always in the circuit", name);
  if (f->has_stream && !has_stream(op))
    return err_set(e, "stream has no effect: the type of %s %s", name,
                   op_is(op, TRAIT_NARROWS) ? "is the model's" : "follows from its input");
  if ((f->rounding != NONE || f->overflow != NONE) && !has_rounding(op))
    return err_set(e, "%s has no effect: %s", f->rounding != NONE ? "rounding" : "overflow",
                   op_info(op)->curve != NONE ? "tables are always half_even and saturate"
                   : op_is(op, TRAIT_NARROWS) ? "the model says how this kind rounds"
                                              : "no layer of this kind requantises");
  return true;
}

static bool read_root(struct arena *a, const json_t *root, struct formats *f, struct err *e) {
  static const char *const keys[] = {"defaults", "kinds", "layers", "input", NULL};
  const json_t *input = json_object_get(root, "input");
  if (!json_only(root, keys, "formats", e)) return false;
  if (input && !f->input_given &&
      !formats_set_input(a, f, json_is_string(input) ? json_string_value(input) : "", e))
    return false;
  const json_t *defaults = json_object_get(root, "defaults");
  struct format general = {.rounding = NONE, .overflow = NONE, .where = NONE};
  if (defaults && !read_format(a, defaults, &general, e)) return err_within(e, "defaults");
  f->defaults = refine(general, &f->defaults);
  if (!read_entries(a, root, "kinds", &f->kinds, &f->n_kinds, e) ||
      !read_entries(a, root, "layers", &f->layers, &f->n_layers, e))
    return false;
  for (uint32_t i = 0; i < f->n_kinds; i++) {
    int op = op_find(f->kinds[i].name);
    if (op == NONE) return err_set(e, "kinds: there is no op \"%s\"", f->kinds[i].name);
    if (!has_effect((enum op)op, &f->kinds[i].format, e))
      return err_within(e, "kinds: \"%s\"", f->kinds[i].name);
  }
  return true;
}

bool formats_parse(struct arena *a, const char *text, size_t size, struct formats *f,
                   struct err *e) {
  json_t *root = json_parse(text, size, e);
  bool ok = root && read_root(a, root, f, e);
  json_decref(root);
  return ok;
}

bool formats_read(struct arena *a, const char *path, struct formats *f, struct err *e) {
  struct bytes bytes;
  return file_read(a, path, FILE_MAX, &bytes, e) &&
         (formats_parse(a, (const char *)bytes.data, bytes.size, f, e) ||
          err_within(e, "%s", path));
}

static struct format most_particular(struct formats *f, const struct node *n) {
  struct format format = f->defaults;
  for (uint32_t i = 0; i < f->n_kinds; i++)
    if (strcmp(f->kinds[i].name, op_info(n->op)->name) == 0) {
      f->kinds[i].used = true;
      format = refine(format, &f->kinds[i].format);
    }
  for (uint32_t i = 0; i < f->n_layers; i++)
    if (strcmp(f->layers[i].name, n->name) == 0) {
      f->layers[i].used = true;
      format = refine(format, &f->layers[i].format);
      format.stream_own |= f->layers[i].format.has_stream;
    }
  if (!format.has_weight) {
    bool bipolar = type_is_bipolar(&format.stream);
    format.weight = WEIGHT_AUTO;
    format.weight_class = bipolar ? TYPE_BIPOLAR : TYPE_FIXED;
    int width = format.has_stream ? type_width(&format.stream) : UNSAID_BITS;
    format.weight_width = width < 2 ? 2 : width;
  }
  return format;
}

bool formats_of(struct formats *f, const struct node *n, struct format *format, struct err *e) {
  *format = most_particular(f, n);
  for (uint32_t i = 0; i < f->n_layers; i++)
    if (strcmp(f->layers[i].name, n->name) == 0 && !has_effect(n->op, &f->layers[i].format, e))
      return err_within(e, "formats");
  return true;
}
