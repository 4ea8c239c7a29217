// SPDX-License-Identifier: Apache-2.0
// The circuit as people and machines read it. Names of the model appear here and nowhere else in
// the output folder, escaped.
#ifndef NNGEN_GEN_REPORT_H
#define NNGEN_GEN_REPORT_H

#include "sw/base/text.h"
#include "sw/circuit/circuit.h"

// report.txt: a row per layer, totals, II and latency.
void report_text(struct text *out, const struct circuit *p);

// manifest.json: format version, the model's hash, every layer with its original names.
void report_manifest(struct text *out, const struct circuit *p, const char *model_sha256);

// What `generate --json` prints.
void report_json(struct text *out, const struct circuit *p, const char *dir);

#endif
