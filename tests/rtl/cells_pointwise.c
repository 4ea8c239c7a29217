// SPDX-License-Identifier: Apache-2.0
#include "tests/rtl/cell.h"
void cells_pointwise(struct suite *s) { (void)s; }
