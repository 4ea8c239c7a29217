// SPDX-License-Identifier: Apache-2.0
// The page of `report`: what is hostile stays text, the drawing has no two nodes in one place and
// every edge at its nodes, pictures are those of the pixels, the same gives the same bytes.
#include "gen/page_layout.h"
#include "gen/page_parts.h"
#include "gen/picture.h"
#include "sw/base/rng.h"
#include "sw/circuit/circuit_plan.h"
#include "sw/exec/arena_run.h"
#include "sw/plan/memory.h"
#include "tests/sim/helper_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static void expect_escaped(const char *s, const char *as) {
  struct text t = {0};
  page_escape(&t, s);
  assert_string_equal(t.size ? t.data : "", as);
  text_free(&t);
}

// No character that means something in an element or an attribute comes through, nor one that
// changes the direction of a line.
static void test_escape(void **state) {
  (void)state;
  expect_escaped("", "");
  expect_escaped("fc1 \u00d7 \u4e2d", "fc1 \u00d7 \u4e2d");
  expect_escaped("</script><img src=x onerror=alert('1')>",
                 "&lt;/script&gt;&lt;img src=x onerror=alert(&#39;1&#39;)&gt;");
  expect_escaped("\"&amp;", "&quot;&amp;amp;");
  expect_escaped("a\x01\n\x7f\xff", "a\\x01\\x0a\\x7f\\xff");
  expect_escaped("\u202e", "\\xe2\\x80\\xae");
}

static void test_numbers(void **state) {
  (void)state;
  static const struct {
    int64_t v;
    const char *as;
  } cases[] = {{0, "0"},          {7, "7"},       {999, "999"},        {1000, "1,000"},
               {-1000, "-1,000"}, {-999, "-999"}, {816352, "816,352"}, {12345678, "12,345,678"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct text t = {0};
    page_count(&t, cases[i].v);
    assert_string_equal(t.data, cases[i].as);
    text_free(&t);
  }
}

// ---- the drawing

// What is wrong with a layout, or NULL.
static const char *fault(const struct layout *l) {
  for (uint32_t i = 0; i < l->n_nodes; i++)
    for (uint32_t k = 0; k < i; k++)
      if (abs(l->nodes[i].x - l->nodes[k].x) < LAYOUT_WIDTH &&
          abs(l->nodes[i].y - l->nodes[k].y) < LAYOUT_HEIGHT)
        return "two nodes in one place";
  for (uint32_t i = 0; i < l->n_nodes; i++) {
    const struct layout_node *n = &l->nodes[i];
    if (n->x < LAYOUT_WIDTH / 2 || n->x + LAYOUT_WIDTH / 2 > l->width || n->y < 0 ||
        n->y + LAYOUT_HEIGHT > l->height)
      return "a node outside";
  }
  for (uint32_t k = 0; k < l->n_edges; k++) {
    const struct layout_edge *e = &l->edges[k];
    const struct layout_node *from = &l->nodes[e->up ? e->to : e->from];
    const struct layout_node *to = &l->nodes[e->up ? e->from : e->to];
    if (from->layer >= to->layer) return "an edge that doesn't lead down";
    if (to->layer - from->layer != e->n_points - 1) return "an edge with too few points";
    if (abs(e->x[0] - from->x) > LAYOUT_WIDTH / 2 ||
        abs(e->x[e->n_points - 1] - to->x) > LAYOUT_WIDTH / 2)
      return "an edge beside its node";
    for (int i = 1; i + 1 < e->n_points; i++)
      for (uint32_t n = 0; n < l->n_nodes; n++)
        if (l->nodes[n].layer == from->layer + i && abs(l->nodes[n].x - e->x[i]) < LAYOUT_WIDTH / 2)
          return "an edge through a node";
  }
  return NULL;
}

// Each node reads one to three earlier ones, or now and then a later one.
static struct layout random_layout(struct arena *a, uint64_t seed, uint32_t nodes) {
  struct layout_edge *edges = ARENA_NEW(a, struct layout_edge, 4 * nodes);
  uint32_t n = 0;
  uint64_t at = 0;
  for (uint32_t i = 1; i < nodes; i++) {
    uint32_t reads = rng_at(seed, 0, at++) % 8 ? 1 : 3;
    for (uint32_t k = 0; k < reads; k++) {
      uint32_t most = rng_at(seed, 1, at++) % 5 ? 2 : i;
      uint32_t back = (uint32_t)(rng_at(seed, 2, at++) % most);
      edges[n++] = (struct layout_edge){.from = i - 1 - (back < i ? back : 0), .to = i};
    }
    if (rng_at(seed, 3, at++) % 16 == 0)
      edges[n++] = (struct layout_edge){.from = i, .to = (uint32_t)(rng_at(seed, 4, at++) % i)};
  }
  return layout_make(a, nodes, 1, edges, n);
}

static void test_layout(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct arena a = {0};
    uint32_t nodes = 1 + (uint32_t)(rng_at(seed, 9, 0) % 70);
    struct layout l = random_layout(&a, seed, nodes), again = random_layout(&a, seed, nodes);
    const char *wrong = fault(&l);
    if (wrong) fail_msg("seed %llu: %s", (unsigned long long)seed, wrong);
    assert_memory_equal(l.nodes, again.nodes, nodes * sizeof *l.nodes);
    arena_free(&a);
  }
}

// A chain is a column; two branches stand side by side, what waits beside four cells is a line.
static void test_layout_by_hand(void **state) {
  (void)state;
  struct arena a = {0};
  struct layout_edge edges[] = {{.from = 0, .to = 1},
                                {.from = 1, .to = 2},
                                {.from = 2, .to = 3},
                                {.from = 3, .to = 4},
                                {.from = 1, .to = 4}};
  struct layout l = layout_make(&a, 5, 1, edges, 4);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(l.nodes[i].layer, i);
    assert_int_equal(l.nodes[i].x, l.nodes[0].x);
  }
  l = layout_make(&a, 5, 1, edges, 5);
  assert_int_equal(edges[4].n_points, 4);
  assert_true(edges[4].x[1] > l.nodes[2].x + LAYOUT_WIDTH / 2 && edges[0].x[0] == l.nodes[0].x);
  assert_true(edges[1].x[0] < edges[4].x[0]); // leave side by side, in the order of the branches
  assert_null(fault(&l));
  arena_free(&a);
}

// The checks themselves see what they are for.
static void test_faults(void **state) {
  (void)state;
  struct arena a = {0};
  struct layout l = random_layout(&a, 3, 20), broken = l;
  broken.nodes = arena_copy(&a, l.nodes, l.n_nodes * sizeof *l.nodes);
  broken.nodes[7].x = broken.nodes[6].x;
  broken.nodes[7].y = broken.nodes[6].y;
  assert_string_equal(fault(&broken), "two nodes in one place");
  broken = l;
  broken.width /= 4;
  assert_string_equal(fault(&broken), "a node outside");
  broken = l;
  broken.edges[0].x[0] += LAYOUT_WIDTH;
  assert_string_equal(fault(&broken), "an edge beside its node");
  arena_free(&a);
}

// ---- pictures

static void test_base64(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct text t = {0};
    picture_base64(&t, cases[i][0], strlen(cases[i][0]));
    assert_string_equal(t.size ? t.data : "", cases[i][1]);
    text_free(&t);
  }
}

static int value_of(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return (int)(strchr(digits, c) - digits);
}

static struct text decoded(const char *s) {
  struct text t = {0};
  for (; *s; s += 4) {
    int bits = value_of(s[0]) << 18 | value_of(s[1]) << 12 |
               (s[2] == '=' ? 0 : value_of(s[2]) << 6) | (s[3] == '=' ? 0 : value_of(s[3]));
    const char bytes[] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
    text_put(&t, bytes, s[2] == '=' ? 1 : s[3] == '=' ? 2 : 3);
  }
  return t;
}

// zlib finds the pixels in the file again, row by row behind a filter byte, and the CRC is right.
static void expect_picture(struct arena *a, int64_t width, int64_t height, int64_t channels) {
  enum { HEAD = 8 + 25, PREFIX = 22 };
  size_t row = (size_t)(width * channels), size = (row + 1) * (size_t)height;
  uint8_t *pixels = ARENA_NEW(a, uint8_t, row * (size_t)height);
  for (size_t i = 0; i < row * (size_t)height; i++) pixels[i] = (uint8_t)rng_at(1, 0, i);
  struct text t = {0};
  picture_png(&t, width, height, channels, pixels);
  assert_memory_equal(t.data, "data:image/png;base64,", PREFIX);
  struct text file = decoded(t.data + PREFIX);
  const uint8_t *data = (const uint8_t *)file.data + HEAD;
  size_t packed = (size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
  uint8_t *rows = ARENA_NEW(a, uint8_t, size);
  uLongf got = size;
  assert_int_equal(uncompress(rows, &got, data + 8, packed), Z_OK);
  assert_int_equal(got, size);
  for (size_t y = 0; y < (size_t)height; y++) {
    assert_int_equal(rows[y * (row + 1)], 0);
    assert_memory_equal(rows + y * (row + 1) + 1, pixels + y * row, row);
  }
  const uint8_t *crc = data + 8 + packed;
  assert_int_equal(crc32(0, data + 4, (uInt)packed + 4),
                   (uLong)crc[0] << 24 | (uLong)crc[1] << 16 | (uLong)crc[2] << 8 | crc[3]);
  text_free(&t);
  text_free(&file);
}

static void test_picture(void **state) {
  (void)state;
  struct arena a = {0};
  expect_picture(&a, 28, 28, 1);
  expect_picture(&a, 1, 2, 3);
  expect_picture(&a, 300, 300, 1); // more than one stored block
  arena_free(&a);
}

// ---- the page

static const char hostile[] = "</script><img src=x onerror=\"document.title='bad'\">";

static struct page page_of(struct arena *a, struct circuit *p) {
  static const struct warning list[] = {{hostile, hostile}};
  static const struct warnings warnings = {1, 1, (struct warning *)list};
  static const struct page_simulation simulation = {hostile, hostile, hostile, hostile, 1, 2,
                                                    3,       4,       5,       6,       7};
  static const struct page_block block = {hostile, {1, 2, 3, 4, 5, 0.5}};
  static const struct page_family family = {hostile, hostile, NAN, 1, &block};
  struct span *spans = ARENA_NEW(a, struct span, p->n_cells);
  int64_t *least = ARENA_NEW(a, int64_t, p->n_cells);
  const char **names = ARENA_NEW(a, const char *, p->n_cells);
  struct err none = {0};
  const struct memory_needs needs = {.bytes = arena_run_bytes(a, p->graph),
                                     .keep = ARENA_NEW(a, bool, p->graph->n_values),
                                     .align = 1};
  assert_true(timing_trace(p, spans));
  queues_least(p, least);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind == CELL_LAYER) names[i] = hostile;
  return (struct page){.arena = a,
                       .circuit = p,
                       .name = hostile,
                       .source = hostile,
                       .sha256 = hostile,
                       .version = hostile,
                       .names = names,
                       .spans = spans,
                       .least = least,
                       .plan = circuit_plan(a, p, &none),
                       .arena_plan = memory_plan(a, p->graph, &needs),
                       .warnings = &warnings,
                       .streams = {.why = hostile},
                       .answers = {.why = hostile},
                       .simulation = &simulation,
                       .n_families = 1,
                       .families = &family};
}

static uint32_t count(const char *in, const char *what) {
  uint32_t n = 0;
  for (; (in = strstr(in, what)); in++) n++;
  return n;
}

// Of a circuit with branches and names that try to be HTML: a whole page, the same each time, in
// which they are text wherever they stand.
static void test_page(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct folding f = {.parallelism = 4};
  struct circuit *p = circuit_build(&a, bench_residual(&a), "top", &f, &e);
  struct text t = {0}, again = {0};
  assert_non_null(p);
  struct page page = page_of(&a, p);
  if (!page_put(&t, &page, &e) || !page_put(&again, &page, &e)) fail_msg("%s", e.text);
  assert_int_equal(t.size, again.size);
  assert_memory_equal(t.data, again.data, t.size);
  assert_int_equal(count(t.data, "</script>"), 1);
  assert_int_equal(count(t.data, "<img"), 0);
  assert_true(count(t.data, "&lt;/script&gt;&lt;img src=x onerror=&quot;") > 15);
  assert_int_equal(count(t.data, "class=\"node "), p->n_inputs + p->n_cells + p->n_outputs);
  assert_true(count(t.data, "class=\"arrow\"") >= p->n_streams);
  static const char *const loads[] = {"http:", "https:", "url(",   "@import",
                                      "<link", "srcset", "<iframe"};
  for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
    assert_int_equal(count(t.data, loads[i]), 0);
  assert_int_equal(count(t.data, "href=\""), count(t.data, "href=\"#"));
  // a lane for each layer, a piece for each frame that is seen; a block for each value
  uint32_t layers = 0;
  double seen = ceil(plan_length(page.plan) / page.plan->period + 1.5);
  for (uint32_t i = 0; i < p->n_cells; i++) layers += p->cells[i].kind == CELL_LAYER;
  assert_in_range(count(t.data, "class=\"run\""), 2 * layers, (uint32_t)seen * layers);
  assert_in_range(count(t.data, "class=\"block\""), layers + 1, 2 * layers + 1);
  assert_int_equal(count(t.data, "class=\"period\""), (uint32_t)seen - 1 + 1); // and the peak
  page.plan = page.arena_plan = NULL;
  page.why_plan = page.why_arena = hostile;
  again.size = 0;
  assert_true(page_put(&again, &page, &e));
  assert_int_equal(count(again.data, "class=\"run\"") + count(again.data, "class=\"block\""), 0);
  assert_true(count(again.data, "No plan: &lt;/script") == 1 &&
              count(again.data, "No arena: &lt;") == 1);
  text_free(&t);
  text_free(&again);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_escape),  cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_layout),  cmocka_unit_test(test_layout_by_hand),
      cmocka_unit_test(test_faults),  cmocka_unit_test(test_base64),
      cmocka_unit_test(test_picture), cmocka_unit_test(test_page)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
