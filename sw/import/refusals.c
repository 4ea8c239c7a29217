// SPDX-License-Identifier: Apache-2.0
#include "sw/import/refusals.h"

#include "sw/base/listing.h"

#include <stdarg.h>
#include <string.h>

bool refuse(struct arena *a, struct refusals *r, const char *node, const char *op,
            const char *remedy, const char *format, ...) {
  char reason[512];
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  for (uint32_t i = 0; i < r->count; i++)
    if (strcmp(r->list[i].node, node) == 0 && strcmp(r->list[i].op, op) == 0 &&
        strcmp(r->list[i].reason, reason) == 0)
      return false;
  if (r->count == r->room) {
    r->room = r->room ? 2 * r->room : 16;
    struct refusal *list = ARENA_NEW(a, struct refusal, r->room);
    if (r->count) memcpy(list, r->list, r->count * sizeof *list);
    r->list = list;
  }
  r->list[r->count++] = (struct refusal){arena_strdup(a, node), arena_strdup(a, op),
                                         arena_strdup(a, reason), arena_strdup(a, remedy)};
  return false;
}

void refusals_note(struct arena *a, struct refusals *r, const char *node, const char *text,
                   bool training) {
  for (uint32_t i = 0; i < r->n_notes; i++)
    if (strcmp(r->notes[i].text, text) == 0) {
      r->notes[i].others++;
      return;
    }
  if (r->n_notes < sizeof r->notes / sizeof *r->notes)
    r->notes[r->n_notes++] = (struct import_note){arena_strdup(a, node), text, 0, training};
}

static struct listing table_of(struct arena *a, const struct refusals *r) {
  static const struct field fields[] = {{"<node", "node", FIELD_NAME, 0, 0},
                                        {"<op", "op", FIELD_NAME, 0, 0},
                                        {"<reason", "reason", FIELD_TEXT, 0, 0},
                                        {"<what to do", "remedy", FIELD_TEXT, 0, 0}};
  enum { FIELDS = sizeof fields / sizeof *fields };
  struct listing t = listing_new(a, fields, FIELDS);
  for (uint32_t i = 0; i < r->count; i++)
    listing_row(&t, (struct figure[FIELDS]){{.text = r->list[i].node},
                                            {.text = r->list[i].op},
                                            {.text = r->list[i].reason},
                                            {.text = r->list[i].remedy}});
  return t;
}

void refusals_put(struct arena *a, const struct refusals *r, struct text *out) {
  struct listing t = table_of(a, r);
  listing_put(&t, out);
}

void refusals_put_json(struct arena *a, const struct refusals *r, struct text *out) {
  struct listing t = table_of(a, r);
  text_puts(out, "\"unsupported\":[");
  listing_put_json(&t, out);
  text_puts(out, "]");
}

bool refusals_err(const struct refusals *r, const char *command, struct err *e) {
  const struct refusal *f = &r->list[0];
  if (r->count == 1) return err_set(e, "\"%s\" (%s): %s; %s", f->node, f->op, f->reason, f->remedy);
  return err_set(e, "%u layers can't be %sed (nngen %s lists them), the first: \"%s\" (%s): %s; %s",
                 r->count, command, command, f->node, f->op, f->reason, f->remedy);
}
