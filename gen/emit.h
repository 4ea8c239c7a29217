// SPDX-License-Identifier: Apache-2.0
// From a circuit to text: top.sv, memory images, reports. Wiring and numbers only; all logic is in
// hw/.
#ifndef NNGEN_GEN_EMIT_H
#define NNGEN_GEN_EMIT_H

#include "gen/verilog.h"
#include "sw/circuit/facts.h"

// A file of the output folder, in memory until everything is made.
struct emit_file {
  const char *name; // relative, "rom/l0_weight_000_000.mem"
  int word_bits;    // of a memory image; 0: another file
  struct text text;
};

struct emit_files {
  struct arena *arena;
  uint32_t count, room;
  struct emit_file *files;
  uint32_t n_sources, sources_room;
  const char **sources; // of the circuit: names of files, in the order in which tools read them
};

// A new empty file; the pointer holds until the next call.
struct text *emit_open(struct emit_files *f, const char *name);
void emit_free(struct emit_files *f);

// Says that a file of that name is a source of the circuit.
void emit_source(struct emit_files *f, const char *name);

// top.sv.
void emit_top(struct text *out, const struct circuit *p);

// The memory images of all layers, as rom/<layer>_....mem.
void emit_roms(struct emit_files *f, const struct circuit *p);

// <top>_rom_check.sv: the hashes of the memory images in `f`, compared in simulation.
void emit_rom_check(struct text *out, const struct circuit *p, const struct emit_files *f);

// The name of the library module of a cell.
const char *emit_module(const struct circuit *p, const struct cell *c);

// What the emitter knows of a column (columns.def), in emit_<stem>.c.
struct emit_column {
  const char *(*module)(const struct cell *c); // of the library
  void (*parameters)(struct parameters *out, const struct circuit *p, const struct cell *c);
  void (*memories)(struct emit_files *f, const struct cell *c); // of its memories; NULL: none
  // The module takes any number of inputs as one port: bits of each; NULL: each is a port.
  int64_t (*slot)(const struct cell *c);
};

#define YES(f) extern const struct emit_column f;
#define MOVE(f)
#define NO(f)
#define COLUMN(id, stem, golden, prepare, real, quant, circuit) circuit(emit_##stem)
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef MOVE
#undef NO

// Requantisation parameters; `cast`: print CAST too and nothing more if there is none.
void emit_requant_parameters(struct parameters *out, const struct circuit_requant *r, bool cast);

// Of layers with weights, and of CELL_WINDOW and CELL_SLIDE.
const char *emit_weighted_module(const struct cell *c);
void emit_weighted_parameters(struct parameters *out, const struct circuit *p,
                              const struct cell *c);
void emit_weighted_types(struct parameters *out, const struct cell *c);
void emit_weighted_files(struct parameters *out, const struct cell *c);
void emit_weighted_memories(struct emit_files *f, const struct cell *c);
void emit_depthwise_memories(struct emit_files *f, const struct cell *c);
void emit_window_parameters(struct parameters *out, const struct cell *c);
void emit_slide_parameters(struct parameters *out, const struct cell *c);

// Of CELL_CAST and CELL_CONSTANT.
void emit_cast_parameters(struct parameters *out, const struct cell *c);
void emit_constant_parameters(struct parameters *out, const struct cell *c);
void emit_constant_memory(struct emit_files *f, const struct cell *c);

// One memory image in banks, rom/<base>_<bank>.mem (three digits): `depth` words of `fields`
// fields, field i of word w being `width` bits of field(context, w, i), field 0 in the low bits.
// shape: NULL, or how hw/fixed_rom.sv cuts it.
struct emit_memory {
  const char *base;
  int64_t depth, fields;
  int width;
  int64_t (*field)(const void *context, int64_t word, int64_t field);
  const void *context;
  const struct rom_shape *shape;
};
void emit_memory(struct emit_files *f, const struct emit_memory *image);

#endif
