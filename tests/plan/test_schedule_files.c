// SPDX-License-Identifier: Apache-2.0
// What is written of a schedule: waveforms in which each event is at its cycle, and calendars that
// come back as they were, or are refused by line.
#define _DEFAULT_SOURCE
#include "sw/base/file.h"
#include "sw/base/rng.h"
#include "sw/plan/calendar_file.h"
#include "sw/plan/schedule_vcd.h"
#include "tests/plan/helper_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 60, CODES = 94 * 94 * 94, MOST_SIGNALS = 4000, GARBLED = 300 };

static struct schedule *schedule_of(struct nodes_case *c, bool period) {
  struct err e = {0};
  return period ? schedule_make_period(&c->arena, c->actors, &c->machine, &e)
                : schedule_make(&c->arena, c->actors, &c->machine, &e);
}

// ---- a parser of waveforms

struct wave {
  uint32_t count;
  char names[MOST_SIGNALS][40]; // "node3.run"
  int64_t values[MOST_SIGNALS];
  uint32_t *by_code; // (CODES) 1 + signal
  const char *at;    // the next line
  int64_t time;      // of the changes that come next
};

static uint32_t code_of(const char *word, size_t length) {
  uint32_t code = 0;
  for (size_t i = length; i-- > 0;) code = code * 94 + (uint32_t)(word[i] - '!');
  // with a leading place, so that "!" and "!!" differ
  return (code * 4 + (uint32_t)length) % CODES;
}

static const char *line_end(const char *at) {
  const char *end = strchr(at, '\n');
  assert_non_null(end);
  return end;
}

static void read_head(struct wave *w) {
  char scope[40] = "", word[40], code[8], name[16];
  int width;
  for (;; w->at = line_end(w->at) + 1) {
    if (strncmp(w->at, "$enddefinitions", 15) == 0) break;
    if (sscanf(w->at, "$scope module %39s", word) == 1) {
      strcpy(scope, word);
    } else if (sscanf(w->at, "$var wire %d %7s %15s", &width, code, name) == 3) {
      bool bit = strcmp(name, "run") == 0 || strcmp(name, "valid") == 0;
      assert_int_equal(width, bit ? 1 : 32);
      assert_true(w->count < MOST_SIGNALS);
      uint32_t *signal = &w->by_code[code_of(code, strlen(code))];
      assert_int_equal(*signal, 0);
      snprintf(w->names[w->count], sizeof w->names[0], "%.20s.%s", scope, name);
      *signal = ++w->count;
    }
  }
  w->at = line_end(w->at) + 1;
}

static void read_change(struct wave *w, const char *end) {
  const char *code = w->at + 1;
  int64_t value = *w->at - '0';
  if (*w->at == 'b') {
    for (value = 0; *code != ' '; code++) value = value * 2 + (*code - '0');
    code++;
  }
  uint32_t signal = w->by_code[code_of(code, (size_t)(end - code))];
  assert_int_not_equal(signal, 0);
  w->values[signal - 1] = value;
}

// All changes up to a cycle, its own included.
static void play_to(struct wave *w, int64_t cycle) {
  while (*w->at && w->time <= cycle) {
    const char *end = line_end(w->at);
    if (*w->at == '#') {
      int64_t time = strtoll(w->at + 1, NULL, 10);
      assert_true(time > w->time || time == 0);
      if (time > cycle) return;
      w->time = time;
    } else if (*w->at != '$') {
      read_change(w, end);
    }
    w->at = end + 1;
  }
}

static int64_t value_of(const struct wave *w, const char *name) {
  for (uint32_t i = 0; i < w->count; i++)
    if (strcmp(w->names[i], name) == 0) return w->values[i];
  fail_msg("no signal %s", name);
  return 0;
}

// ---- what must be there in a cycle

static int64_t node_value(const struct wave *w, uint32_t node, const char *signal) {
  char name[40];
  snprintf(name, sizeof name, "node%u.%s", node, signal);
  return value_of(w, name);
}

static bool in_period(const struct schedule *s, int64_t cycle, int64_t from, int64_t cycles) {
  for (int64_t image = 0; image < schedule_vcd_images(s); image++) {
    int64_t begin = from + image * s->period;
    if (begin <= cycle && cycle < begin + cycles) return true;
  }
  return false;
}

static void check_nodes(const struct wave *w, const struct schedule *s,
                        const struct calendar_stay *stays, uint32_t n_stays, int64_t cycle) {
  for (uint32_t n = 0; n < s->machine->topology->nodes; n++) {
    bool runs = false;
    int64_t held = 0;
    for (uint32_t i = 0; i < s->actors->n_actors; i++) {
      const struct firing *f = &s->firings[i];
      if (f->node != n || !in_period(s, cycle, f->start, f->end - f->start)) continue;
      runs = true;
      assert_int_equal(node_value(w, n, "actor"), i);
    }
    for (uint32_t i = 0; i < n_stays; i++)
      for (int64_t k = 0; stays[i].node == n && k < schedule_vcd_images(s); k++)
        held += stays[i].from + k * s->period <= cycle && cycle < stays[i].to + k * s->period;
    assert_int_equal(node_value(w, n, "run"), runs);
    assert_int_equal(node_value(w, n, "slots"), held);
  }
}

// The slot of a token at a node, of the image whose frames are sent in a cycle.
static int64_t slot_of(const struct schedule *s, const struct calendar_stay *stays,
                       uint32_t n_stays, const struct hop *h, int64_t cycle) {
  int64_t image = 0;
  while (cycle >= h->start + image * s->period + schedule_frames(s, h->token)) image++;
  for (uint32_t i = 0; i < n_stays; i++)
    if (stays[i].token == h->token && stays[i].node == s->machine->topology->to[h->link])
      return stays[i].slot + image % stays[i].turns;
  return NONE;
}

static void check_links(const struct wave *w, const struct schedule *s,
                        const struct calendar_stay *stays, uint32_t n_stays, int64_t cycle) {
  const struct topology *t = s->machine->topology;
  for (uint32_t l = 0; l < t->n_links; l++) {
    int64_t token = NONE, slot = NONE;
    bool used = false;
    char name[40];
    for (uint32_t i = 0; i < s->n_hops; i++) {
      const struct hop *h = &s->hops[i];
      if (h->link != l) continue;
      used = true;
      if (!in_period(s, cycle, h->start, schedule_frames(s, h->token))) continue;
      token = h->token;
      slot = slot_of(s, stays, n_stays, h, cycle);
    }
    if (!used) continue;
    snprintf(name, sizeof name, "link%u_%u.valid", t->from[l], t->to[l]);
    assert_int_equal(value_of(w, name), token != NONE);
    snprintf(name, sizeof name, "link%u_%u.token", t->from[l], t->to[l]);
    if (token != NONE) assert_int_equal(value_of(w, name), token);
    snprintf(name, sizeof name, "link%u_%u.slot", t->from[l], t->to[l]);
    if (token != NONE) assert_int_equal(value_of(w, name), slot);
  }
}

static void check_wave(struct nodes_case *c, const struct schedule *s) {
  struct text t = {0};
  uint32_t n_stays;
  const struct calendar_stay *stays = calendar_stays(&c->arena, s, &n_stays);
  schedule_vcd(&t, s);
  struct wave *w = ARENA_NEW(&c->arena, struct wave, 1);
  w->by_code = ARENA_NEW(&c->arena, uint32_t, CODES);
  w->at = t.data;
  read_head(w);
  int64_t end = s->length + (schedule_vcd_images(s) - 1) * s->period;
  int64_t step = end / 60 + 1;
  for (int64_t cycle = 0; cycle <= end; cycle += step) {
    play_to(w, cycle);
    check_nodes(w, s, stays, n_stays, cycle);
    check_links(w, s, stays, n_stays, cycle);
  }
  text_free(&t);
}

static void test_wave(void **state) {
  (void)state;
  uint32_t tried = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct nodes_case c;
    if (!nodes_case_new(&c, seed)) continue;
    check_wave(&c, schedule_of(&c, seed % 2));
    tried++;
    arena_free(&c.arena);
  }
  assert_true(tried > SEEDS / 4);
}

// More signals than one character names.
static void test_many_signals(void **state) {
  (void)state;
  struct nodes_case c;
  nodes_case_mlp(&c, 1, TOPOLOGY_TORUS, 100);
  struct schedule *s = schedule_of(&c, false);
  struct text t = {0};
  schedule_vcd(&t, s);
  struct wave *w = ARENA_NEW(&c.arena, struct wave, 1);
  w->by_code = ARENA_NEW(&c.arena, uint32_t, CODES);
  w->at = t.data;
  read_head(w);
  assert_true(w->count > 600);
  play_to(w, 100);
  assert_int_equal(node_value(w, 0, "run"), 1);
  assert_int_equal(node_value(w, 0, "actor"), 784);
  assert_int_equal(node_value(w, 99, "run"), 0);
  t.size = 0;
  schedule_gtkw(&t, s, "w.vcd");
  assert_non_null(strstr(t.data, "[dumpfile] \"w.vcd\"\n"));
  assert_non_null(strstr(t.data, "nodes.node15.actor[31:0]\n"));
  text_free(&t);
  arena_free(&c.arena);
}

// ---- calendars

static const char *folder_of_test(struct arena *a) {
  char *dir = arena_printf(a, "%s/nngen-calendar-XXXXXX", file_scratch());
  assert_non_null(mkdtemp(dir));
  return dir;
}

static void clear(const char *dir) {
  char *command = malloc(strlen(dir) + 16);
  sprintf(command, "rm -rf %s", dir);
  assert_int_equal(system(command), 0);
  free(command);
}

static const struct calendar *there_and_back(struct nodes_case *c, const struct calendar *from,
                                             const char *dir, struct err *e) {
  assert_true(calendar_write(from, dir, "model", e));
  return calendar_read(&c->arena, dir, c->actors, &c->machine, e);
}

static void texts_equal(struct nodes_case *c, const struct calendar *a, const struct calendar *b) {
  struct text x = {0}, y = {0};
  for (uint32_t n = 0; n < c->machine.topology->nodes; n++) {
    calendar_put_node(&x, a, n);
    calendar_put_node(&y, b, n);
  }
  calendar_put_json(&x, a, "model");
  calendar_put_json(&y, b, "model");
  assert_int_equal(x.size, y.size);
  assert_memory_equal(x.data, y.data, x.size);
  text_free(&x);
  text_free(&y);
}

static void test_round(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct nodes_case c;
    struct err e = {0};
    if (!nodes_case_new(&c, seed)) continue;
    const char *dir = folder_of_test(&c.arena);
    const struct calendar *from = calendar_of(&c.arena, schedule_of(&c, seed % 2), NULL);
    const struct calendar *back = there_and_back(&c, from, dir, &e);
    if (!back) fail_msg("%s", e.text);
    texts_equal(&c, from, back);
    clear(dir);
    arena_free(&c.arena);
  }
}

// A word of 43 digits, some of which are others.
static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *word, *why;
  } wrong[] = {{"3000000000001000000010000010000030000000000001", "expected 43 hexadecimal digits"},
               {"300000000000100000001000003000003000000000000G", "expected 43 hexadecimal digits"},
               {"", "expected 43 hexadecimal digits"},
               {"5000000000001000000010000000000030000000001", "there is no such kind"},
               {"1000000000001000000000000000000030000000001", "neither ticks nor turns can be 0"},
               {"1000000000001000000010000000000030000000000", "neither ticks nor turns can be 0"},
               {"0000000000001000000010000000fffff0000000001", "there is no such actor"},
               {"0000000000001000000010000000000030000000001", "an input, which computes nothing"},
               {"1000000000001000000010000000fffff0000000001", "there is no such token"},
               {"1000000000001000000010000000000030fffff0001", "the node has no such slot"},
               {"3000000000001000000010000990000030000000001", "the node has no such link"},
               {"3000000000001000000010000010000030000000001", "the node has no such link"}};
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 1, TOPOLOGY_LINE, 2);
  const char *dir = folder_of_test(&c.arena);
  const struct calendar *from = calendar_of(&c.arena, schedule_of(&c, false), NULL);
  assert_non_null(there_and_back(&c, from, dir, &e));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct err why = {0};
    const char *text = arena_printf(&c.arena, "%s\n", wrong[i].word);
    assert_true(file_write(arena_printf(&c.arena, "%s/node0.mem", dir), text, strlen(text), &e));
    assert_null(calendar_read(&c.arena, dir, c.actors, &c.machine, &why));
    if (!strstr(why.text, wrong[i].why) || !strstr(why.text, "node0.mem:1: "))
      fail_msg("%s: expected \"%s\", found: %s", wrong[i].word, wrong[i].why, why.text);
  }
  assert_non_null(there_and_back(&c, from, dir, &e));
  struct node_machine other = c.machine;
  struct err why = {0};
  other.latency = 2;
  assert_null(calendar_read(&c.arena, dir, c.actors, &other, &why));
  assert_non_null(strstr(why.text, "calendar.json: latency: expected 2"));
  static const char *const files[] = {"node1.mem", "calendar.json"};
  for (int i = 0; i < 2; i++) {
    why = (struct err){0};
    assert_int_equal(remove(arena_printf(&c.arena, "%s/%s", dir, files[i])), 0);
    assert_null(calendar_read(&c.arena, dir, c.actors, &c.machine, &why));
    assert_non_null(strstr(why.text, files[i]));
  }
  clear(dir);
  arena_free(&c.arena);
}

// An actor that runs for 2^32 ticks has no place in a word, and nothing is written.
static void test_too_long(void **state) {
  (void)state;
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 30, TOPOLOGY_RING, 3);
  const char *dir = folder_of_test(&c.arena);
  const struct calendar *long_one = calendar_of(&c.arena, schedule_of(&c, false), NULL);
  long_one->nodes[1].runs[0].ticks = INT64_C(1) << 32;
  assert_false(calendar_write(long_one, dir, "model", &e));
  assert_non_null(strstr(e.text, "give a finer --grain or more nodes"));
  assert_false(file_exists(arena_printf(&c.arena, "%s/node0.mem", dir)));
  clear(dir);
  arena_free(&c.arena);
}

// Whatever is changed of a file, it is read or refused.
static void test_garbled(void **state) {
  (void)state;
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 30, TOPOLOGY_RING, 3);
  const char *dir = folder_of_test(&c.arena);
  assert_true(
      calendar_write(calendar_of(&c.arena, schedule_of(&c, false), NULL), dir, "model", &e));
  uint32_t refused = 0;
  for (uint64_t seed = 0; seed < GARBLED; seed++) {
    struct rng r = {seed, 0};
    struct bytes file;
    struct err why = {0};
    const char *name = rng_range(&r, 0, 1) ? "node1.mem" : "calendar.json";
    const char *path = arena_printf(&c.arena, "%s/%s", dir, name);
    assert_true(file_read(&c.arena, path, 1 << 24, &file, &e));
    unsigned char *copy = arena_copy(&c.arena, file.data, file.size);
    copy[rng_range(&r, 0, (int64_t)file.size - 1)] = (unsigned char)rng_range(&r, 10, 126);
    assert_true(file_write(path, copy, file.size, &e));
    refused += !calendar_read(&c.arena, dir, c.actors, &c.machine, &why);
    assert_true(file_write(path, file.data, file.size, &e));
  }
  assert_true(refused > GARBLED / 4);
  clear(dir);
  arena_free(&c.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wave),     cmocka_unit_test(test_many_signals),
      cmocka_unit_test(test_round),    cmocka_unit_test(test_refused),
      cmocka_unit_test(test_too_long), cmocka_unit_test(test_garbled)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
