// SPDX-License-Identifier: Apache-2.0
// What is only put elsewhere keeps the type of its input.
#include "quant/quantize_layer.h"

const struct quant_column quant_reorder = {.type_out = quantize_type_kept};
