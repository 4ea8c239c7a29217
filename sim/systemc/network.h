// SPDX-License-Identifier: Apache-2.0
// A generated folder's network through the C library: its streams, its inputs for some images, and
// what the golden model answers.
#ifndef NNGEN_SIM_SYSTEMC_NETWORK_H
#define NNGEN_SIM_SYSTEMC_NETWORK_H

extern "C" {
#include "gen/folder.h"
#include "sw/data/data.h"
#include "sw/exec/golden.h"
}

#include "sim/systemc/axi_stream.h"

#include <stdexcept>
#include <string>

class network {
public:
  // Reads DIR/model.bin and runs the golden model on the first images of a data set of bytes.
  network(const std::string &dir, const std::string &data, int64_t count) {
    struct err e = {};
    struct images set = {};
    if (!folder_check(dir.c_str(), &e)) throw std::runtime_error(e.text);
    circuit = folder_circuit(&arena, dir.c_str(), &e);
    struct golden *model = circuit ? golden_new(&arena, circuit->graph, &e) : nullptr;
    if (!model || !data_open(&arena, data.c_str(), count, &set, &e))
      throw std::runtime_error(e.text);
    uint32_t input = circuit->graph->inputs[0].value;
    if (!set.pixels || set.elements != circuit->inputs[0].elements)
      throw std::runtime_error(data + ": not images of the network's size in bytes");
    images = set.count;
    codes.resize(images * circuit->inputs[0].elements);
    expected.resize(images * circuit->outputs[0].elements);
    struct golden_tap taps[] = {{input, codes.data()},
                                {circuit->outputs[0].value, expected.data()}};
    golden_run_pixels(model, images, set.pixels, taps, 2);
  }
  ~network() { arena_free(&arena); }
  network(const network &) = delete;
  network &operator=(const network &) = delete;

  const struct circuit *circuit = nullptr;
  int64_t images = 0;
  std::vector<int32_t> codes;    // (images, input elements)
  std::vector<int32_t> expected; // (images, output elements)

private:
  struct arena arena = {};
};

// The beats of frames of integers (frames, elements): element 0 in the low bits, unused bits zero.
template <int BITS>
std::vector<axi_beat<BITS>> to_beats(const struct stream &s, const std::vector<int32_t> &codes) {
  std::vector<axi_beat<BITS>> beats(codes.size() / s.elements * s.beats);
  for (size_t i = 0; i < codes.size(); i++) {
    int64_t element = i % s.elements, at = element % s.lanes * s.width;
    axi_beat<BITS> &beat = beats[i / s.elements * s.beats + element / s.lanes];
    uint32_t bits = type_wire(type_coding(&s.type), codes[i]);
    for (int b = 0; b < s.width; b++) beat.data[at + b] = (bits >> b & 1) != 0;
    beat.last = element / s.lanes == s.beats - 1;
  }
  return beats;
}

#endif
