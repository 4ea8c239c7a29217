// SPDX-License-Identifier: Apache-2.0
#include "gen/rom_case.h"

#include "sw/base/bits.h"

#include <string.h>

enum { NAME_BITS = 512 }; // of a file's name where names are compared

// ---- names of modules in a text

static size_t word_length(const char *p) {
  return strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

static bool is_one_of(const char *word, size_t length, const char *const *modules, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (strlen(modules[i]) == length && memcmp(modules[i], word, length) == 0) return true;
  return false;
}

// The next word of the text that is one of the modules, comments aside, or NULL.
static const char *next_module(const char *text, const char *const *modules, uint32_t count) {
  while (*text) {
    size_t length = word_length(text);
    bool comment = text[0] == '/' && text[1] == '/';
    if (is_one_of(text, length, modules, count)) return text;
    text += comment ? strcspn(text, "\n") : length ? length : 1;
  }
  return NULL;
}

void rom_case_rename(struct text *out, const char *text, const char *top,
                     const char *const *modules, uint32_t count) {
  for (const char *at; (at = next_module(text, modules, count)) != NULL;) {
    size_t length = word_length(at);
    text_put(out, text, (size_t)(at - text));
    text_printf(out, "%s_%.*s", top, (int)length, at);
    text = at + length;
  }
  text_puts(out, text);
}

// ---- images

struct memory {
  const char *name; // "l0_weight_000_000"
  int width;        // bits of a word
  int64_t depth;    // words
};

static int address_bits(const struct memory *m) {
  return m->depth < 2 ? 1 : bits_clog2(m->depth);
}

static void put_module(struct text *out, const char *top, const struct memory *m,
                       const char *words) {
  int width = m->width, bits = address_bits(m);
  text_printf(out,
              "// SPDX-License-Identifier: MIT-0\n// %lld words of %d bits: word `address` a cycle "
              "later, or zero if not selected.\n`default_nettype none\n\nmodule %s_%s (\n",
              (long long)m->depth, width, top, m->name);
  text_printf(out,
              "  input  logic aclk,\n  input  logic enable,\n  input  logic selected,\n"
              "  input  logic [%d:0] address,\n  output logic [%d:0] word\n);\n",
              bits - 1, width - 1);
  text_printf(out,
              "  always_ff @(posedge aclk) begin\n    if (enable) begin\n"
              "      if (!selected) word <= %d'd0;\n      else case (address)\n",
              width);
  for (int64_t i = 0; i < m->depth; i++) {
    int digits = (int)strcspn(words, "\n");
    text_printf(out, "        %d'd%lld: word <= %d'h%.*s;\n", bits, (long long)i, width, digits,
                words);
    words += digits + 1;
  }
  text_printf(out,
              "        default: word <= %d'd0;\n      endcase\n    end\n  end\nendmodule\n\n"
              "`default_nettype wire\n",
              width);
}

// ---- the bank

static void put_bank_head(struct text *out, const char *top) {
  text_printf(
      out,
      "// SPDX-License-Identifier: MIT-0\n// " ROM_CASE_BANK
      " of this circuit: its images are modules, chosen by name.\n"
      "`default_nettype none\n\nmodule %s_" ROM_CASE_BANK " #(\n"
      "  parameter int WIDTH = 8,\n  parameter int DEPTH = 16,\n"
      "  parameter int PORTS = 1,\n  parameter STYLE = \"auto\",\n  parameter FILE = \"\",\n"
      "  parameter int LOAD = FILE != \"\" ? 1 : 0\n) (\n",
      top);
  text_puts(out, "  input  logic                                             aclk,\n"
                 "  input  logic                                             enable,\n"
                 "  input  logic [PORTS-1:0]                                 selected,\n"
                 "  input  logic [PORTS*(DEPTH < 2 ? 1 : $clog2(DEPTH))-1:0] address,\n"
                 "  output logic [PORTS*WIDTH-1:0]                           word\n);\n"
                 "  localparam int ADDRESS = DEPTH < 2 ? 1 : $clog2(DEPTH);\n\n"
                 "  generate\n    if (88'(STYLE) != 88'(\"auto\")) begin : gen_style\n"
                 "      no_STYLE_for_case_statements stop ();\n    end\n"
                 "    for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_port\n"
                 "      if (LOAD == 0) begin : gen_unloaded\n"
                 "        assign word[p*WIDTH +: WIDTH] = '0;\n      end else ");
}

static void put_choice(struct text *out, const char *top, const struct memory *m) {
  text_printf(out,
              "if (WIDTH == %d && DEPTH == %lld &&\n"
              "          %d'(FILE) == %d'(\"%s.mem\")) begin : gen_%s\n",
              m->width, (long long)m->depth, NAME_BITS, NAME_BITS, m->name, m->name);
  text_printf(out, "        %s_%s image (\n", top, m->name);
  text_puts(out, "          .aclk(aclk), .enable(enable), .selected(selected[p]),\n"
                 "          .address(address[p*ADDRESS +: ADDRESS]), "
                 ".word(word[p*WIDTH +: WIDTH])\n        );\n      end else ");
}

static void put_bank_tail(struct text *out, const char *top) {
  text_printf(out,
              "begin : gen_none\n        %s_has_no_such_image stop ();\n      end\n    end\n"
              "  endgenerate\nendmodule\n\n`default_nettype wire\n",
              top);
}

void rom_case_memories(struct emit_files *f, const char *top, struct emit_files *roms) {
  struct text bank = {0};
  put_bank_head(&bank, top);
  for (uint32_t i = 0; i < roms->count; i++) {
    const struct emit_file *file = &roms->files[i];
    struct memory m = {arena_printf(f->arena, "%.*s", (int)strlen(file->name) - 8, file->name + 4),
                       file->word_bits, 0};
    const char *name = arena_printf(f->arena, "rom/%s_%s.sv", top, m.name);
    for (size_t k = 0; k < file->text.size; k++) m.depth += file->text.data[k] == '\n';
    emit_source(f, name);
    put_module(emit_open(f, name), top, &m, file->text.data);
    put_choice(&bank, top, &m);
  }
  put_bank_tail(&bank, top);
  const char *own = arena_printf(f->arena, "%s_" ROM_CASE_BANK ".sv", top);
  emit_source(f, own);
  *emit_open(f, own) = bank;
}
