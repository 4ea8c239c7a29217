// SPDX-License-Identifier: Apache-2.0
#include "verilated_cov.h"

extern "C" void coverage_write() {
  Verilated::threadContextp()->coveragep()->write("coverage.dat");
}
