// SPDX-License-Identifier: Apache-2.0
// The benches of a circuit: wiring around the modules of sim/, and vectors for the one that needs
// no C.
//
//   bench.sv   Verilator: the harness gives the beats and compares through DPI-C
//   tb.sv      any simulator: reads ../vectors/*.mem
#ifndef NNGEN_GEN_EMIT_BENCH_H
#define NNGEN_GEN_EMIT_BENCH_H

#include "gen/emit.h"

// Frames that generate puts into vectors/, and from which on a measured II must be the circuit's.
enum { BENCH_FRAMES = 4 };

// The files of sim/ that tb.sv and bench.sv use, NULL-terminated.
extern const char *const bench_vector_modules[];
extern const char *const bench_dpi_modules[];

// tb/tb.sv. With the macro NETLIST its circuit is a netlist, and only the output is compared.
void emit_bench_vectors(struct text *out, const struct circuit *p);

// bench.sv.
void emit_bench_dpi(struct text *out, const struct circuit *p);

// A GTKWave save file for a waveform in which the bench is the scope `bench`: the streams
// grouped per layer, elements as signed decimals.
void emit_bench_gtkw(struct text *out, const struct circuit *p, const char *bench);

// One beat per line, hexadecimal, TLAST above the data, on the last beat of every `transfer`
// frames. `top`: TDATA is padded to whole bytes. codes: (frames, elements).
void emit_vectors(struct text *out, const struct stream *s, bool top, int64_t transfer,
                  int64_t frames, const int32_t *codes);

// vectors/input.mem, vectors/expected.mem (input0.mem, ... of several) and vectors/<stream>.mem of
// every layer, from the golden model. The codes of one output: (frames, elements), or NULL on
// error. codes: (frames, elements of all inputs).
const int32_t *emit_all_vectors(struct emit_files *f, const struct circuit *p, int64_t frames,
                                const int32_t *codes, uint32_t output, struct err *e);

// Everything of tb/ and vectors/ that generate writes. codes: (BENCH_FRAMES, elements), or NULL for
// some of its own choice.
bool emit_bench_files(struct emit_files *f, const struct circuit *p, const int32_t *codes,
                      struct err *e);

// Cycles without a handshake at the circuit's input or output after which it hangs, and after the
// last output beat in which no other may come.
int64_t bench_limit(const struct circuit *p);
int64_t bench_drain(const struct circuit *p);

// The streams that a bench compares: the taps, then the outputs. The name of one is that of its
// layer, "l0_linear", or its port.
uint32_t bench_streams(const struct circuit *p);
const struct stream *bench_stream(const struct circuit *p, uint32_t i);
const char *bench_name(const struct circuit *p, uint32_t i);

#endif
