// SPDX-License-Identifier: Apache-2.0
#include "gen/emit.h"

const struct emit_column emit_rbf = {.module = emit_weighted_module,
                                     .parameters = emit_weighted_parameters,
                                     .memories = emit_weighted_memories};
