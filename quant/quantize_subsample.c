// SPDX-License-Identifier: Apache-2.0
// A sub-sampling: its weights, one for each channel.
#include "quant/quantize_layer.h"

const struct quant_column quant_subsample = {.quantize = quantize_weighted};
