// SPDX-License-Identifier: Apache-2.0
// The use of libnngen: classifies images of MNIST and shows what the first layer makes of one.
//
//     cc -o classify example.c $(pkg-config --cflags --libs nngen) -lz
//     ./classify mnist-mlp.bin t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz
#include <nngen.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { IMAGES_HEADER = 16, LABELS_HEADER = 8, IMAGES_MAX = 10000, PIXELS = 784 };

// Reads at most `size` bytes behind the header of an IDX file; ends the program if it can't.
static int64_t read_idx(const char *path, unsigned header, unsigned char *to, unsigned size) {
  unsigned char skipped[IMAGES_HEADER];
  gzFile f = gzopen(path, "rb");
  int count = f && gzread(f, skipped, header) == (int)header ? gzread(f, to, size) : -1;
  if (count < 0) {
    fprintf(stderr, "%s: can't be read\n", path);
    exit(1);
  }
  gzclose(f);
  return count;
}

static int64_t largest(const int32_t *y, int64_t count) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; i++)
    if (y[i] > y[best]) best = i;
  return best;
}

int main(int argc, char **argv) {
  static unsigned char pixels[IMAGES_MAX * PIXELS], labels[IMAGES_MAX];
  struct nngen_options options = {.precision = "8,3"};
  struct nngen_error error;
  if (argc != 4) {
    fputs("usage: classify MODEL IMAGES LABELS\n", stderr);
    return 2;
  }
  int64_t images = read_idx(argv[2], IMAGES_HEADER, pixels, sizeof pixels) / PIXELS;
  read_idx(argv[3], LABELS_HEADER, labels, sizeof labels);

  struct nngen *net = nngen_open(argv[1], &options, &error);
  if (!net) {
    fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  for (uint32_t i = 0; i < nngen_warnings(net); i++) {
    const char *layer, *text = nngen_warning(net, i, &layer);
    fprintf(stderr, "warning: %s: %s\n", layer, text);
  }
  const struct nngen_stream *out = nngen_output(net), *first = nngen_layer(net, 1);
  int32_t *y = malloc((size_t)(images * out->elements) * sizeof *y);
  int32_t *codes = malloc((size_t)(images * first->elements) * sizeof *codes);
  struct nngen_tap tap = {1, codes};
  if (!y || !codes || nngen_input(net)->elements != PIXELS ||
      !nngen_run_pixels(net, images, pixels, y, &tap, 1, &error)) {
    fprintf(stderr, "%s: not a network for these images\n", argv[1]);
    return 1;
  }

  int64_t correct = 0;
  for (int64_t i = 0; i < images; i++)
    correct += largest(y + i * out->elements, out->elements) == labels[i];
  printf("%s: %lld of %lld correct\n", argv[1], (long long)correct, (long long)images);
  printf("image 0, layer %s (%s, %d bits):", first->name, first->op, first->width);
  for (int k = 0; k < 8; k++) printf(" %g", (codes[k] - first->zero[0]) * first->scale[0]);
  puts(" ...");
  free(y);
  free(codes);
  nngen_close(net);
  return 0;
}
