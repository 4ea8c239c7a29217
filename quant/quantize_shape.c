// SPDX-License-Identifier: Apache-2.0
// What has another shape only keeps the type of its input.
#include "quant/quantize_layer.h"

const struct quant_column quant_shape = {.type_out = quantize_type_kept};
