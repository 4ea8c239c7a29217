/* SPDX-License-Identifier: Apache-2.0
 *
 * libnngen: run the integer model of a network from C or C++. It computes, bit for bit, what the
 * generated circuit computes.
 *
 *     struct nngen_error error;
 *     struct nngen *net = nngen_open("model.bin", &(struct nngen_options){.precision = "8,3"},
 * &error); if (!net) fail(error.text); int32_t *y = malloc(images * nngen_output(net)->elements *
 * sizeof *y); if (!nngen_run_pixels(net, images, pixels, y, NULL, 0, &error)) fail(error.text);
 *     nngen_close(net);
 *
 * Compile with `pkg-config --cflags --libs nngen`.
 *
 * Numbers. A stream carries integers, here called codes: value = (code - zero) * scale. Codes of an
 * unsigned stream of 32 bits are to be cast to uint32_t, all others are as they stand. Arrays of
 * images are in the order row, column, channel, the channel fastest, one image after the other.
 *
 * Threads. An opened network doesn't change: any number of threads may run it at the same time. A
 * call with more than 64 images itself uses as many threads as OMP_NUM_THREADS says (default: all
 * processors). The results don't depend on it.
 *
 * Errors. Functions that can fail return NULL or 0 and fill `error`, which may be NULL. Files are
 * checked before use and may come from anybody. The library prints nothing and never ends the
 * process: without memory a call fails like any other and leaves the network as it was. (GMP and
 * MPFR, which make the tables of activations, abort without memory, unless the caller gave GMP
 * functions of his own; therefore a call makes sure of a megabyte before it uses them.) A word in
 * $NNGEN_KERNELS that this machine has no kernels for lets nngen_open fail.
 */
#ifndef NNGEN_H
#define NNGEN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NNGEN_VERSION "0.1.0"

#ifndef NNGEN_API
#define NNGEN_API
#endif

/* NNGEN_VERSION of the library that is linked. */
NNGEN_API const char *nngen_version(void);

/* One line of text, without a newline; it may quote what the file holds. */
struct nngen_error {
  char text[1024];
};

/* How a float model is quantised: the words of the program's options of the same names. NULL: not
 * given. A model that is quantised already takes none of the first six. */
struct nngen_options {
  const char *precision;        /* "8,3": 8 bits, 3 of them fraction */
  const char *weight_precision; /* "8,auto" */
  const char *input_precision;  /* "8,3", "u8", "raw" */
  const char *rounding;         /* "half_even" */
  const char *overflow;         /* "saturate" */
  const char *formats;          /* path of a formats file */
  const char *input_mean;       /* "0.1307" */
  const char *input_std;        /* "0.3081" */
};

struct nngen;

/* Opens `path`, a model.bin or a folder that `nngen generate` wrote; `options` may be NULL. NULL if
 * the file can't be read or isn't a valid model, if it is a float model and no option chooses
 * types, or if it can't be executed. */
NNGEN_API struct nngen *nngen_open(const char *path, const struct nngen_options *options,
                                   struct nngen_error *error);

/* Releases everything that belongs to a network, the streams' descriptions too. NULL is allowed. */
NNGEN_API void nngen_close(struct nngen *net);

/* ---- What a network consists of */

struct nngen_stream {
  const char *name;     /* of the layer, as in `nngen info`; of the input's value */
  const char *op;       /* "linear", "relu", ...; "input" */
  int rank;             /* of one image */
  const int64_t *shape; /* (rank) */
  int64_t elements;     /* of one image: the product of shape */
  int width;            /* bits of a code */
  int is_signed;
  int64_t lowest;      /* no code is ever below, proven from weights and types */
  int64_t highest;     /* or above */
  int axis;            /* of scale and zero; -1: one for all */
  const double *scale; /* (1), or (shape[axis]) */
  const int32_t *zero; /* (1), or (shape[axis]) */
  const void *type;    /* the library's */
};

/* What goes in, and what comes out. */
NNGEN_API const struct nngen_stream *nngen_input(const struct nngen *net);
NNGEN_API const struct nngen_stream *nngen_output(const struct nngen *net);

/* The layers, from 0; a layer's stream is its output. NULL if there is no such layer. */
NNGEN_API uint32_t nngen_layers(const struct nngen *net);
NNGEN_API const struct nngen_stream *nngen_layer(const struct nngen *net, uint32_t layer);

/* The index of the layer with this name; nngen_layers(net) if there is none. */
NNGEN_API uint32_t nngen_find(const struct nngen *net, const char *name);

/* What quantisation has destroyed, in words, of a layer or of the input: results that mean nothing.
 * 0 .. nngen_warnings - 1; NULL behind. `layer` gets the name and may be NULL. */
NNGEN_API uint32_t nngen_warnings(const struct nngen *net);
NNGEN_API const char *nngen_warning(const struct nngen *net, uint32_t warning, const char **layer);

/* ---- Running */

/* A layer to be looked at, and where its codes go: (images, elements of the layer). */
struct nngen_tap {
  uint32_t layer;
  int32_t *codes;
};

/* Runs `images` images, >= 0, given as bytes 0 .. 255, (images, elements of the input), through the
 * network's own conversion of pixels. `output` gets (images, elements of the output) codes; NULL:
 * not wanted. 0 if the network isn't one for pixels or a tap names no layer. */
NNGEN_API int nngen_run_pixels(const struct nngen *net, int64_t images, const uint8_t *pixels,
                               int32_t *output, const struct nngen_tap *taps, uint32_t n_taps,
                               struct nngen_error *error);

/* The same with codes of the input. 0 also if one is outside the input's type; then nothing has
 * been computed. */
NNGEN_API int nngen_run_codes(const struct nngen *net, int64_t images, const int32_t *codes,
                              int32_t *output, const struct nngen_tap *taps, uint32_t n_taps,
                              struct nngen_error *error);

/* ---- Converting */

/* codes (count) = reals (count) of a stream with one scale, rounded half to even and saturated, as
 * the program converts weights, biases and data. 0 if a number isn't finite or the stream has a
 * scale per channel. Of floats the floats themselves count, of integers every bit. */
NNGEN_API int nngen_encode(const struct nngen_stream *s, int64_t count, const double *reals,
                           int32_t *codes, struct nngen_error *error);
NNGEN_API int nngen_encode_floats(const struct nngen_stream *s, int64_t count, const float *reals,
                                  int32_t *codes, struct nngen_error *error);
NNGEN_API int nngen_encode_integers(const struct nngen_stream *s, int64_t count,
                                    const int64_t *integers, int32_t *codes,
                                    struct nngen_error *error);

/* reals (images, elements of the stream) = what its codes stand for. */
NNGEN_API void nngen_decode(const struct nngen_stream *s, int64_t images, const int32_t *codes,
                            double *reals);

#ifdef __cplusplus
}
#endif

#endif
