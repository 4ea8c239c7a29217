// SPDX-License-Identifier: Apache-2.0
// Memory images for $readmemh: one word per line, hexadecimal, in banks as hw/fixed_rom.sv reads.
#include "gen/emit.h"

#include <string.h>

struct text *emit_open(struct emit_files *f, const char *name) {
  if (f->count == f->room) {
    uint32_t room = f->room ? f->room * 2 : 32;
    struct emit_file *wider = ARENA_NEW(f->arena, struct emit_file, room);
    if (f->count) memcpy(wider, f->files, f->count * sizeof *wider);
    f->files = wider;
    f->room = room;
  }
  f->files[f->count].name = arena_strdup(f->arena, name);
  return &f->files[f->count++].text;
}

void emit_source(struct emit_files *f, const char *name) {
  if (f->n_sources == f->sources_room) {
    uint32_t room = f->sources_room ? f->sources_room * 2 : 32;
    const char **wider = ARENA_NEW(f->arena, const char *, room);
    if (f->n_sources) memcpy(wider, f->sources, f->n_sources * sizeof *wider);
    f->sources = wider;
    f->sources_room = room;
  }
  f->sources[f->n_sources++] = arena_strdup(f->arena, name);
}

void emit_free(struct emit_files *f) {
  for (uint32_t i = 0; i < f->count; i++) text_free(&f->files[i].text);
}

// Adds the low `width` bits of value at bit `at` of a word of `bits`, where they are inside of it.
static void put_bits(unsigned char *word, int64_t at, int64_t bits, int width, int64_t value) {
  for (int b = 0; b < width; b++)
    if (at + b >= 0 && at + b < bits && value >> (b > 63 ? 63 : b) & 1)
      word[(at + b) / 4] |= (unsigned char)(1 << (at + b) % 4);
}

static void put_word(struct text *out, const unsigned char *nibbles, int64_t count, char *line) {
  for (int64_t i = 0; i < count; i++) line[i] = "0123456789abcdef"[nibbles[count - 1 - i]];
  line[count] = '\n';
  text_put(out, line, (size_t)count + 1);
}

// The bits from `from` to before `to` of each word, in banks of files that end so.
static void put_part(struct emit_files *f, const struct emit_memory *image, int64_t bank,
                     int64_t from, int64_t to, const char *end) {
  int64_t nibbles = (to - from + 3) / 4;
  struct arena a = {0};
  unsigned char *word = ARENA_NEW(&a, unsigned char, nibbles);
  char *line = ARENA_NEW(&a, char, nibbles + 1);
  struct text *out = NULL;
  for (int64_t w = 0; w < image->depth; w++) {
    if (w % bank == 0) {
      out = emit_open(f, arena_printf(f->arena, "rom/%s_%03lld%s.mem", image->base,
                                      (long long)(w / bank), end));
      f->files[f->count - 1].word_bits = (int)(to - from);
    }
    memset(word, 0, (size_t)nibbles);
    for (int64_t i = from / image->width; i * image->width < to; i++)
      put_bits(word, i * image->width - from, to - from, image->width,
               image->field(image->context, w, i));
    put_word(out, word, nibbles, line);
  }
  arena_free(&a);
}

void emit_memory(struct emit_files *f, const struct emit_memory *image) {
  struct rom_shape shape = image->shape ? *image->shape : rom_whole(RAM_AUTO);
  int64_t bits = image->fields * image->width;
  put_part(f, image, shape.bank, 0, shape.split ? shape.split : bits, "");
  if (shape.split) put_part(f, image, shape.bank, shape.split, bits, "_high");
}

// ---- hashes

// FNV-1a, as hw/fixed_rom_check.sv.
static uint32_t hash_of(const struct text *t) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < t->size; i++) hash = (hash ^ (unsigned char)t->data[i]) * 16777619u;
  return hash;
}

void emit_rom_check(struct text *out, const struct circuit *p, const struct emit_files *f) {
  bool any = false;
  text_printf(out,
              "// SPDX-License-Identifier: MIT-0\n// The memory images that %s was generated with; "
              "instantiated in simulation only.\n`default_nettype none\n\nmodule %s_rom_check #(\n"
              "  // what stands before an image's name\n  parameter ROM = \"rom/\"\n);\n",
              p->top, p->top);
  for (uint32_t i = 0; i < f->count; i++) {
    const struct emit_file *file = &f->files[i];
    if (!file->word_bits) continue;
    any = true;
    const char *name = file->name + strlen("rom/");
    text_printf(out, "  fixed_rom_check #(.FILE({ROM, \"%s\"}), .HASH(32'h%08x)) %.*s ();\n", name,
                hash_of(&file->text), (int)strcspn(name, "."), name);
  }
  if (!any) text_puts(out, "  localparam unused = ROM;\n");
  text_puts(out, "endmodule\n\n`default_nettype wire\n");
}
