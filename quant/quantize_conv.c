// SPDX-License-Identifier: Apache-2.0
// A convolution: its weights.
#include "quant/quantize_layer.h"

const struct quant_column quant_conv = {.quantize = quantize_weighted};
