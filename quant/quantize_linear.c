// SPDX-License-Identifier: Apache-2.0
// A linear layer: its weights.
#include "quant/quantize_layer.h"

const struct quant_column quant_linear = {.quantize = quantize_weighted};
