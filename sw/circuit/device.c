// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/device.h"

#include <string.h>

static const struct device devices[] = {
#define DEVICE(name, family, lut, ff, dsp, bram) {name, FAMILY_##family, {lut, ff, dsp, bram}},
#include "sw/circuit/devices.def"
#undef DEVICE
};

enum { DEVICES = sizeof devices / sizeof *devices };

const struct device *device_find(const char *name, struct err *e) {
  for (int i = 0; i < DEVICES; i++)
    if (strcmp(devices[i].name, name) == 0) return &devices[i];
  char known[256] = "";
  for (int i = 0; i < DEVICES; i++) {
    size_t at = strlen(known);
    snprintf(known + at, sizeof known - at, "%s%s",
             i == 0            ? ""
             : i + 1 < DEVICES ? ", "
                               : " or ",
             devices[i].name);
  }
  err_put(e, "--device %s: expected %s", name, known);
  return NULL;
}
