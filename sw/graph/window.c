// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/window.h"

#include "sw/graph/column.h"

static const char *axis_text(const struct window *w, int axis) {
  return w->axes == 1 ? "elements" : axis == ROWS ? "rows" : "columns";
}

// `per_axis` numbers for each axis, those of rows first; `least` and more.
static bool numbers(const struct window *w, const struct node *n, enum attr_name name, int per_axis,
                    int64_t least, int64_t otherwise, int64_t to[2 * WINDOW_AXES], struct err *e) {
  for (int i = 0; i < per_axis * w->axes; i++) to[i] = otherwise;
  return node_list(n, name, per_axis * w->axes, least, to, e);
}

// How many windows there are; with `ceil` also one that reaches beyond the padded image, if it
// begins in the image or the padding before it.
static bool count(struct window *w, int axis, bool ceil, struct err *e) {
  int64_t extent = (w->kernel[axis] - 1) * w->dilation[axis] + 1;
  int64_t room = w->in[axis] + w->before[axis] + w->after[axis] - extent;
  if (room < 0)
    return err_set(e, "a kernel over %lld %s, the padded image has %lld", (long long)extent,
                   axis_text(w, axis), (long long)(room + extent));
  w->out[axis] = room / w->stride[axis] + 1;
  if (ceil && room % w->stride[axis] &&
      w->out[axis] * w->stride[axis] < w->in[axis] + w->before[axis])
    w->out[axis]++;
  return true;
}

bool window_of(const struct graph *g, const struct node *n, const int64_t *kernel, struct window *w,
               struct err *e) {
  const struct value *x = node_in(g, n, 0);
  int64_t stride[2 * WINDOW_AXES], dilation[2 * WINDOW_AXES], pad[2 * WINDOW_AXES];
  *w = (struct window){.axes = x->rank - 1, .channels = x->shape[x->rank - 1]};
  if (!numbers(w, n, ATTR_stride, 1, 1, 1, stride, e) ||
      !numbers(w, n, ATTR_dilation, 1, 1, 1, dilation, e) ||
      !numbers(w, n, ATTR_pad, 2, 0, 0, pad, e))
    return false;
  for (int axis = 0; axis < WINDOW_AXES; axis++) {
    int i = axis - (WINDOW_AXES - w->axes);
    bool there = i >= 0;
    w->in[axis] = there ? x->shape[i] : 1;
    w->kernel[axis] = there ? kernel[i] : 1;
    w->stride[axis] = there ? stride[i] : 1;
    w->dilation[axis] = there ? dilation[i] : 1;
    w->before[axis] = there ? pad[i] : 0;
    w->after[axis] = there ? pad[w->axes + i] : 0;
    if (w->kernel[axis] < 1 || w->kernel[axis] > DIM_MAX)
      return err_set(e, "a kernel of %lld %s", (long long)w->kernel[axis], axis_text(w, axis));
    if (!count(w, axis, node_int(n, ATTR_ceil, 0) != 0, e)) return false;
  }
  return true;
}

bool window_of_image(const struct graph *g, const struct node *n, struct window *w, struct err *e) {
  const struct value *x = node_in(g, n, 0);
  const struct attr *kernel = node_attr(n, ATTR_kernel);
  if (x->rank != 2 && x->rank != 3)
    return err_set(e, "expected an image (H, W, C) or (L, C), found rank %d", x->rank);
  if (kernel && kernel->count != x->rank - 1)
    return err_set(e, "kernel: %lld numbers, expected %d", (long long)kernel->count, x->rank - 1);
  return window_of(g, n, kernel ? kernel->ints : x->shape, w, e);
}

bool window_pads(const struct window *w, int axis, int64_t k) {
  return window_at(w, axis, 0, k) < 0 || window_at(w, axis, w->out[axis] - 1, k) >= w->in[axis];
}

int64_t window_between(const struct window *w, int axis, int64_t o, int64_t from, int64_t to) {
  int64_t d = w->dilation[axis], first = window_at(w, axis, o, 0), last = w->kernel[axis] - 1;
  int64_t low = first < from ? (from - first + d - 1) / d : 0;
  int64_t high = to - 1 < first ? -1 : (to - 1 - first) / d;
  if (high > last) high = last;
  return high < low ? 0 : high - low + 1;
}

int64_t window_taps(const struct window *w, int axis, int64_t o) {
  return window_between(w, axis, o, 0, w->in[axis]);
}

void space_window(struct space *s, const struct window *w, int64_t outs) {
  int first = WINDOW_AXES - w->axes;
  for (int d = 0; d < w->axes; d++) {
    s->in[0][d].offset = -w->before[first + d];
    space_term(s, 0, d, space_axis(s, w->out[first + d], false), w->stride[first + d]);
  }
  space_axis(s, outs, false);
  for (int d = 0; d < w->axes; d++)
    space_term(s, 0, d, space_axis(s, w->kernel[first + d], true), w->dilation[first + d]);
}

bool check_whole_windows(const struct graph *g, const struct node *n, struct err *e) {
  struct space s;
  struct slice slice;
  if (!space_of(g, n, &s, e) || !slice_of(n, &s, &slice, e)) return false;
  return !slice.ranges || !s.reduced[slice.axis] ||
         err_set(e, "slice: axis %d is the window's", slice.axis);
}

bool check_padding(const struct value *x, const struct node *n, struct err *e) {
  const struct attr *pad = node_attr(n, ATTR_pad);
  for (int64_t i = 0; pad && type_is_bipolar(&x->type) && i < pad->count; i++)
    if (pad->ints[i])
      return err_set(e, "pad: %lld, but \"%s\" is bipolar, which has no 0 to pad with",
                     (long long)pad->ints[i], x->name);
  return true;
}
