// SPDX-License-Identifier: Apache-2.0
#include "gen/vhdl.h"

#include <string.h>

// A name as VHDL writes it: one that its rules for underscores exclude is put between backslashes.
static const char *name_of(struct arena *a, const char *name) {
  size_t length = strlen(name);
  bool basic = !strstr(name, "__") && name[length - 1] != '_';
  return basic ? name : arena_printf(a, "\\%s\\", name);
}

static void put_bits(struct text *out, const char *name, const char *way, int64_t bits) {
  text_printf(out, "      %-13s : %-3s std_logic_vector(%lld downto 0);\n", name, way,
              (long long)bits - 1);
}

static void put_bit(struct text *out, const char *name, const char *way) {
  text_printf(out, "      %-13s : %-3s std_logic;\n", name, way);
}

static void put_stream(struct text *out, const struct stream *s, bool in) {
  struct arena a = {0};
  const char *with = in ? "in" : "out", *against = in ? "out" : "in";
  put_bits(out, arena_printf(&a, "%s_tdata", s->signal), with, 8 * stream_bytes(s));
  put_bit(out, arena_printf(&a, "%s_tvalid", s->signal), with);
  put_bit(out, arena_printf(&a, "%s_tready", s->signal), against);
  put_bit(out, arena_printf(&a, "%s_tlast", s->signal), with);
  arena_free(&a);
}

static void put_ports(struct text *out, const struct circuit *p) {
  put_bit(out, "aclk", "in");
  put_bit(out, "aresetn", "in");
  for (uint32_t i = 0; i < p->n_inputs; i++) put_stream(out, &p->inputs[i], true);
  for (uint32_t i = 0; i < p->n_outputs; i++) put_stream(out, &p->outputs[i], false);
  text_puts(out, "      frame_error   : out std_logic\n");
}

void emit_vhdl(struct text *out, const struct circuit *p) {
  struct arena a = {0};
  const char *top = name_of(&a, p->top);
  const char *package = name_of(&a, arena_printf(&a, "%s_component", p->top));
  text_printf(
      out,
      "-- SPDX-License-Identifier: MIT-0\n"
      "-- The circuit as a component; %s.sv is what it stands for, and explains the ports.\n"
      "library ieee;\nuse ieee.std_logic_1164.all;\n\npackage %s is\n  component %s is\n",
      p->top, package, top);
  if (p->rom_style == ROM_FILE)
    text_puts(out, "    generic (\n      ROM_DIR : string := \"rom\"\n    );\n");
  text_puts(out, "    port (\n");
  put_ports(out, p);
  text_printf(out, "    );\n  end component;\nend package;\n");
  arena_free(&a);
}
