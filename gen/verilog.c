// SPDX-License-Identifier: Apache-2.0
#include "gen/verilog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LINE = 96, INDENT = 4 };

static void put(struct parameters *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct parameters *p, const char *format, ...) {
  char item[256];
  va_list args;
  va_start(args, format);
  int size = vsnprintf(item, sizeof item, format, args);
  va_end(args);
  if (p->column && p->column + size + 2 <= LINE) {
    text_puts(p->out, ", ");
    p->column += 2;
  } else {
    text_printf(p->out, "%s%*s", p->column ? ",\n" : "", INDENT, "");
    p->column = INDENT;
  }
  text_puts(p->out, item);
  p->column += size;
}

void verilog_parameter(struct parameters *p, const char *name, int64_t value) {
  put(p, ".%s(%lld)", name, (long long)value);
}

void verilog_wide(struct parameters *p, const char *name, int64_t value) {
  put(p, ".%s(%s64'sd%lld)", name, value < 0 ? "-" : "",
      value < 0 ? -(long long)value : (long long)value);
}

void verilog_unsigned(struct parameters *p, const char *name, int64_t value) {
  put(p, ".%s(40'd%lld)", name, (long long)value);
}

void verilog_code(struct parameters *p, const char *name, uint32_t bits) {
  put(p, ".%s(32'd%lu)", name, (unsigned long)bits);
}

void verilog_magic(struct parameters *p, const char *name, int64_t value) {
  put(p, ".%s(64'd%lld)", name, (long long)value);
}

void verilog_word(struct parameters *p, const char *name, const char *word) {
  put(p, ".%s(\"%s\")", name, word);
}

void verilog_file(struct parameters *p, const char *name, const char *file) {
  if (p->rom_style == ROM_CASE)
    put(p, ".%s(\"%s\")", name, file);
  else
    put(p, ".%s({ROM, \"%s\"})", name, file);
}

void verilog_list(struct parameters *p, const char *name, int bits, const int64_t *values,
                  int64_t count) {
  verilog_line(p);
  put(p, ".%s({", name);
  for (int64_t i = count; i-- > 0;) {
    char item[32];
    int size =
        snprintf(item, sizeof item, "%d'd%lld%s", bits, (long long)values[i], i ? "," : "})");
    bool wraps = p->column + size + 1 > LINE;
    if (wraps) {
      text_printf(p->out, "\n%*s", INDENT, "");
      p->column = INDENT;
    } else if (i < count - 1) {
      text_puts(p->out, " ");
      p->column++;
    }
    text_puts(p->out, item);
    p->column += size;
  }
}

void verilog_line(struct parameters *p) {
  if (p->column) p->column = LINE;
}

static bool reserved_in_vhdl(const char *name) {
  static const char *const words[] = {
#define KEYWORD(word) #word,
#include "gen/keywords_vhdl.def"
#undef KEYWORD
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcasecmp(name, words[i]) == 0) return true;
  return false;
}

// The ports and cells of one of several inputs or outputs: "s0_axis", "frame1".
static bool numbered(const char *name) {
  static const char *const around[][2] = {
      {"s", "_axis"}, {"m", "_axis"}, {"frame", ""}, {"trim", ""}};
  for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
    size_t first = strlen(around[i][0]);
    if (strncmp(name, around[i][0], first) != 0) continue;
    size_t digits = strspn(name + first, "0123456789");
    const char *rest = name + first + digits;
    if (digits && strncmp(rest, around[i][1], strlen(around[i][1])) == 0) return true;
  }
  return false;
}

static bool reserved(const char *name) {
  static const char *const words[] = {
#define KEYWORD(word) #word,
#include "gen/keywords.def"
#undef KEYWORD
      "tb",        "bench", "dut",     "frame",       "trim",    "transfer",
      "rom_check", "aclk",  "aresetn", "frame_error", "ROM_DIR", "ROM"};
  static const char *const prefixes[] = {"fixed_", "axis_",  "bench_", "vector_", "s_axis",
                                         "m_axis", "frame_", "trim_",  "unused_"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(name, words[i]) == 0) return true;
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) return true;
  if (numbered(name)) return true;
  return name[0] == 'l' && name[1] >= '0' && name[1] <= '9'; // l0_linear and its nets
}

bool verilog_module_name(const char *name) {
  bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
  size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  bool vhdl = !strstr(name, "__") && name[length - (length > 0)] != '_';
  return letter && vhdl && !name[length] && length <= 64 && !reserved(name) &&
         !reserved_in_vhdl(name);
}
