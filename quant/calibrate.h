// SPDX-License-Identifier: Apache-2.0
// Calibration: scales of streams whose width alone is given, and codes of weights, from images.
//
// Layer by layer in the order of the graph, each on the integers that its quantised inputs have:
//
//   weights   a scale for each output (or for all), then codes: the nearest, or of second order
//   bias      what the codes of the weights have changed of the outputs' mean goes back, if asked
//   stream    values = the layer in floats with those weights, on what those integers stand for;
//             the sign and the scale that serve them best; what relu and the like cut off is no
//             loss
//
// Every choice is a function of the images and the network: sums are of integers, or run in one
// order, so that any number of threads gives the same bits.
#ifndef NNGEN_QUANT_CALIBRATE_H
#define NNGEN_QUANT_CALIBRATE_H

#include "quant/quantize_layer.h"
#include "sw/data/data.h"

enum calibrate_method {
  CALIBRATE_GPTQ, // weights in second order (second_order.h), streams as MSE
  CALIBRATE_MSE,  // the least squared error
  CALIBRATE_MAX,  // everything fits
  CALIBRATE_PERCENTILE,
  CALIBRATE_ENTROPY // the least divergence of the distributions
};

struct calibrate_how {
  enum calibrate_method method;
  double percentile; // of PERCENTILE: so many % of the values fit
  bool any_scale;    // scales needn't be powers of two
  bool correct_bias;
  bool equalize;    // the ranges of neighbouring layers first (equalize.h)
  int output_width; // bits of the last layers' streams; 0: as the others
  int threads;
};

// "gptq", "mse", "max", "percentile[:P]" with 50 <= P <= 100, "entropy". False if it is none.
bool calibrate_method_parse(const char *text, struct calibrate_how *how);
const char *calibrate_method_text(enum calibrate_method m);

// The fewest images that say something.
enum { CALIBRATE_IMAGES_MIN = 8 };

struct calibrator;

// For a quantisation of `g`; images_fit(set, g) holds. NULL on error. The set stays as it is.
struct calibrator *calibrator_new(struct arena *a, const struct graph *g, const struct images *set,
                                  const struct calibrate_how *how, struct err *e);
void calibrator_free(struct calibrator *c);

// ---- for quantize.c

// The type of an input's stream of so many bits.
bool calibrate_input(struct quantizer *q, uint32_t input, int width, struct type *t);

// All inputs are in q->to.
void calibrate_inputs_done(struct quantizer *q);

// Node n is no layer: its output is its input.
void calibrate_same(struct quantizer *q, const struct node *n);

// Chooses what the formats leave open of node n, and keeps it: its weights once its inputs are in
// q->to, and the stream of an output whose type isn't its own.
bool calibrate_node(struct quantizer *q, const struct node *n, bool own_type, struct format *f);

// Whether node n changes nothing that the type of its input has, which was chosen for what it
// leaves: relu behind a stream that starts at 0. The layer in front does what it did.
bool calibrate_cuts_nothing(const struct quantizer *q, const struct node *n);

// Node n is in q->to as `node`: its outputs follow.
bool calibrate_ran(struct quantizer *q, const struct node *n, uint32_t node);

// The codes and the type of the weights of n; NULL: nothing was chosen.
struct tensor *calibrate_weights_of(const struct quantizer *q, const struct node *n,
                                    struct type *type);

// What is added to the bias of n, (OUT); NULL: nothing.
const double *calibrate_bias_of(const struct quantizer *q, const struct node *n);

// Layers that give nothing but 0 on all images, of which the scale says nothing.
uint32_t calibrate_constant(const struct calibrator *c, const char *const **names);

#endif
