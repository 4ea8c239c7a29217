// SPDX-License-Identifier: Apache-2.0
#include "gen/package.h"

#include "gen/folder.h"
#include "gen/vhdl.h"
#include "sw/base/file.h"
#include "sw/base/library.h"
#include "sw/base/sha256.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SCRIPT_MAX = 1 << 16 };

// Names of files in the order of the text.
struct names {
  uint32_t count;
  const char **name;
};

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The files whose name begins with `prefix` and ends with `suffix`.
static struct names names_of(const struct emit_files *f, const char *prefix, const char *suffix) {
  struct names n = {0, ARENA_NEW(f->arena, const char *, f->count)};
  for (uint32_t i = 0; i < f->count; i++) {
    const char *name = f->files[i].name;
    size_t length = strlen(name), tail = strlen(suffix);
    if (strncmp(name, prefix, strlen(prefix)) == 0 && length >= tail &&
        strcmp(name + length - tail, suffix) == 0)
      n.name[n.count++] = name;
  }
  qsort(n.name, n.count, sizeof *n.name, by_text);
  return n;
}

// ---- FuseSoC

// Each module of the library is a core of its own, with a version that follows from its bytes: two
// circuits of a design share it, or can't be resolved if theirs differ.
static bool is_library(const char *source) {
  return strncmp(source, "fixed_", 6) == 0 || strncmp(source, "axis_", 5) == 0;
}

static const char *module_core(const struct emit_files *f, const char *source) {
  const struct text *t = NULL;
  for (uint32_t i = 0; i < f->count; i++)
    if (strcmp(f->files[i].name, source) == 0) t = &f->files[i].text;
  assert(t);
  const char *hash = sha256_hex(f->arena, t->data, t->size);
  long version = strtol(arena_printf(f->arena, "%.7s", hash), NULL, 16);
  return arena_printf(f->arena, "::nngen_%.*s:1.0.%ld", (int)strlen(source) - 3, source, version);
}

static void put_module_cores(struct emit_files *f, const struct names *sources) {
  for (uint32_t i = 0; i < sources->count; i++) {
    const char *source = sources->name[i];
    if (!is_library(source)) continue;
    const char *core = module_core(f, source);
    text_printf(emit_open(f, arena_printf(f->arena, "%.*s.core", (int)strlen(source) - 3, source)),
                "CAPI=2:\n# SPDX-License-Identifier: MIT-0\nname: %s\n\nfilesets:\n  rtl:\n"
                "    file_type: systemVerilogSource\n    files: [%s]\n\ntargets:\n  default:\n"
                "    filesets: [rtl]\n",
                core, source);
  }
}

// The circuit's own sources, and the cores of the modules that it uses.
static void put_sources(struct text *out, const struct emit_files *f, const struct names *sources) {
  text_puts(out, "  rtl:\n    file_type: systemVerilogSource\n    depend:\n");
  for (uint32_t i = 0; i < sources->count; i++)
    if (is_library(sources->name[i]))
      text_printf(out, "      - \"=%s\"\n", module_core(f, sources->name[i]));
  text_puts(out, "    files:\n");
  for (uint32_t i = 0; i < sources->count; i++)
    if (!is_library(sources->name[i])) text_printf(out, "      - %s\n", sources->name[i]);
}

static void put_fileset(struct text *out, const char *name, const char *type,
                        const struct names *files, const char *copy_to) {
  text_printf(out, "  %s:\n    file_type: %s\n    files:\n", name, type);
  for (uint32_t i = 0; i < files->count; i++)
    if (copy_to)
      text_printf(out, "      - %s: {copyto: %s/%s}\n", files->name[i], copy_to, files->name[i]);
    else
      text_printf(out, "      - %s\n", files->name[i]);
}

static void put_filesets(struct text *out, const struct emit_files *f, const struct circuit *p) {
  struct names sources = {f->n_sources, f->sources}, roms = names_of(f, "rom/", ".mem");
  struct names benches = names_of(f, "tb/", ".sv"), vectors = names_of(f, "vectors/", "");
  text_puts(out, "filesets:\n");
  put_sources(out, f, &sources);
  if (p->rom_style == ROM_FILE) put_fileset(out, "rom", "mem", &roms, p->top);
  put_fileset(out, "tb", "systemVerilogSource", &benches, NULL);
  put_fileset(out, "vectors", "user", &vectors, p->top);
  text_printf(out, "  constraints:\n    file_type: xdc\n    files:\n      - %s.xdc\n\n", p->top);
}

// A target but for its tool: the circuit's files, more filesets, the top module.
static void put_design(struct text *out, const struct circuit *p, const char *more, const char *top,
                       const char *rom) {
  bool files = p->rom_style == ROM_FILE, bench = strcmp(top, "tb") == 0;
  text_printf(out, "    filesets: [rtl%s%s]\n    toplevel: \"%s\"\n", files ? ", rom" : "", more,
              top);
  if (!files && !bench) return;
  text_puts(out, "    parameters: [");
  if (files) text_printf(out, "ROM_DIR=%s%s", rom, bench ? ", " : "");
  if (bench) text_printf(out, "VECTORS=%s/vectors", p->top);
  text_puts(out, "]\n");
}

static void put_targets(struct text *out, struct arena *a, const struct circuit *p) {
  const char *rom = arena_printf(a, "%s/rom", p->top);
  text_printf(out, "targets:\n  default:\n    filesets: [rtl%s]\n",
              p->rom_style == ROM_FILE ? ", rom" : "");
  text_puts(out, "  lint:\n    flow: lint\n    flow_options:\n      tool: verilator\n"
                 "      verilator_options: [-Wall]\n");
  put_design(out, p, "", p->top, rom);
  text_puts(out, "  sim:\n    flow: sim\n    flow_options:\n      tool: icarus\n"
                 "      iverilog_options: [-g2012]\n      vvp_options: [-N]\n");
  put_design(out, p, ", tb, vectors", "tb", rom);
  text_puts(out,
            "  sim_verilator:\n    flow: sim\n    flow_options:\n      tool: verilator\n"
            "      mode: binary\n"
            "      verilator_options: [--timing, -fno-const-bit-op-tree, --unroll-count 2048,\n"
            "                          -Wno-fatal, -Wno-lint, -Wno-style]\n");
  put_design(out, p, ", tb, vectors", "tb", rom);
  // Vivado works in other folders, and knows its sources by their names
  text_puts(out, "  vivado:\n    flow: vivado\n    flow_options:\n      part: xc7a35tcsg324-1\n");
  put_design(out, p, ", constraints", p->top, ".");
}

static void put_core(struct text *out, const struct emit_files *f, const struct circuit *p) {
  text_printf(out,
              "CAPI=2:\n# SPDX-License-Identifier: MIT-0\nname: ::%s:" PACKAGE_VERSION
              "\ndescription: neural network, %lld -> %lld elements, a frame every %lld cycles\n\n",
              p->top, (long long)circuit_input_elements(p), (long long)circuit_output_elements(p),
              (long long)p->ii);
  if (p->rom_style == ROM_FILE)
    text_printf(out,
                "# The images are copied to %s/rom: another core instantiates the circuit with\n"
                "# ROM_DIR(\"%s/rom\").\n",
                p->top, p->top);
  put_filesets(out, f, p);
  put_targets(out, f->arena, p);
  text_puts(out, "\nparameters:\n");
  if (p->rom_style == ROM_FILE)
    text_puts(out, "  ROM_DIR: {datatype: str, paramtype: vlogparam, description: folder of the "
                   "memory images}\n");
  text_puts(out, "  VECTORS: {datatype: str, paramtype: vlogparam, description: folder of the "
                 "vectors}\n");
}

// ---- Vivado and Quartus

static void put_clock(struct text *out, double clock) {
  text_printf(out,
              "# SPDX-License-Identifier: MIT-0\n# %g MHz\n"
              "create_clock -name aclk -period %.3f [get_ports aclk]\n",
              clock, 1000 / clock);
}

static void put_list(struct text *out, const char *name, const struct names *files) {
  text_printf(out, "set %s {\n", name);
  for (uint32_t i = 0; i < files->count; i++) text_printf(out, "  %s\n", files->name[i]);
  text_puts(out, "}\n");
}

// A dictionary of the streams on one side.
static void put_streams(struct text *out, const char *name, const struct stream *s,
                        uint32_t count) {
  text_printf(out, "# bits of tdata\nset %s {", name);
  for (uint32_t i = 0; i < count; i++)
    text_printf(out, "%s%s %lld", i ? " " : "", s[i].signal, (long long)(8 * stream_bytes(&s[i])));
  text_puts(out, "}\n");
}

static void put_lists(struct text *out, const struct emit_files *f, const struct circuit *p) {
  struct names sources = {f->n_sources, f->sources}, memories = names_of(f, "rom/", ".mem");
  text_puts(out, "# SPDX-License-Identifier: MIT-0\n"
                 "# For the scripts in vivado/ and quartus/: names are relative to this folder.\n");
  text_printf(out, "set circuit %s\nset version " PACKAGE_VERSION "\n", p->top);
  put_streams(out, "inputs", p->inputs, p->n_inputs);
  put_streams(out, "outputs", p->outputs, p->n_outputs);
  put_list(out, "sources", &sources);
  put_list(out, "memories", &memories);
}

static bool copy_script(struct emit_files *f, const char *from, const char *to, struct err *e) {
  struct bytes bytes;
  const char *path = library_path(f->arena, arena_printf(f->arena, "gen/tcl/%s", from));
  if (!file_read(f->arena, path, SCRIPT_MAX, &bytes, e)) return false;
  text_put(emit_open(f, to), (const char *)bytes.data, bytes.size);
  return true;
}

bool package_files(struct emit_files *f, const struct circuit *p, double clock, struct err *e) {
  struct text core = {0}, lists = {0};
  const struct names sources = {f->n_sources, f->sources};
  put_core(&core, f, p);
  put_lists(&lists, f, p);
  *emit_open(f, arena_printf(f->arena, "%s.core", p->top)) = core;
  *emit_open(f, "files.tcl") = lists;
  put_module_cores(f, &sources);
  emit_vhdl(emit_open(f, arena_printf(f->arena, "%s.vhd", p->top)), p);
  put_clock(emit_open(f, arena_printf(f->arena, "%s.xdc", p->top)), clock);
  put_clock(emit_open(f, arena_printf(f->arena, "%s.sdc", p->top)), clock);
  const char *component = arena_printf(f->arena, "quartus/%s_hw.tcl", p->top);
  return copy_script(f, "vivado_project.tcl", "vivado/project.tcl", e) &&
         copy_script(f, "vivado_package_ip.tcl", "vivado/package_ip.tcl", e) &&
         copy_script(f, "quartus_project.tcl", "quartus/project.tcl", e) &&
         copy_script(f, "quartus_hw.tcl", component, e);
}
