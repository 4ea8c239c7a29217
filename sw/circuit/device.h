// SPDX-License-Identifier: Apache-2.0
// What FPGAs have (devices.def).
#ifndef NNGEN_CIRCUIT_DEVICE_H
#define NNGEN_CIRCUIT_DEVICE_H

#include "sw/base/err.h"
#include "sw/circuit/resources.h"

struct device {
  const char *name;
  enum family family;
  struct resources has;
};

// NULL if there is none of this name: the message lists the known ones.
const struct device *device_find(const char *name, struct err *e);

#endif
