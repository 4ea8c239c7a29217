// SPDX-License-Identifier: Apache-2.0
// The circuit of a generated folder as an sc_module between a source and a sink, in SystemC. Every
// element of its output is compared with the golden model.
//
//   simulation DIR DATA IMAGES STALL      STALL: per cent of the cycles in which a side stalls
//
// `design` is the class that `verilator --sc --prefix design` makes of the folder.
#include "design.h"
#include "sim/systemc/network.h"

#include <cstdlib>
#include <iostream>
#include <memory>

// The data bits of one of the circuit's ports, which are references.
template <class PORT> struct bits_of;
template <int BITS> struct bits_of<sc_core::sc_in<sc_dt::sc_bv<BITS>> &> {
  static constexpr int value = BITS;
};
template <int BITS> struct bits_of<sc_core::sc_out<sc_dt::sc_bv<BITS>> &> {
  static constexpr int value = BITS;
};
constexpr int IN_BITS = bits_of<decltype(design::s_axis_tdata)>::value;
constexpr int OUT_BITS = bits_of<decltype(design::m_axis_tdata)>::value;

SC_MODULE(bench) {
  sc_core::sc_clock aclk{"aclk", 10, sc_core::SC_NS};
  sc_core::sc_signal<bool> aresetn{"aresetn"}, frame_error{"frame_error"};
  axi_stream<IN_BITS> input;
  axi_stream<OUT_BITS> output;
  axi_source<IN_BITS> source{"source"};
  design dut{"dut"};
  axi_sink<OUT_BITS> sink{"sink"};

  SC_CTOR(bench) {
    source.aclk(aclk);
    source.aresetn(aresetn);
    source.connect(input);
    dut.aclk(aclk);
    dut.aresetn(aresetn);
    dut.s_axis_tdata(input.tdata);
    dut.s_axis_tvalid(input.tvalid);
    dut.s_axis_tready(input.tready);
    dut.s_axis_tlast(input.tlast);
    dut.m_axis_tdata(output.tdata);
    dut.m_axis_tvalid(output.tvalid);
    dut.m_axis_tready(output.tready);
    dut.m_axis_tlast(output.tlast);
    dut.frame_error(frame_error);
    sink.aclk(aclk);
    sink.aresetn(aresetn);
    sink.connect(output);
  }
};

// Runs until `beats` have come and the circuit had time for one more, or until nothing comes.
static void simulate(bench &b, const network &net, size_t beats) {
  const int64_t quiet = 16 * (net.circuit->ii + net.circuit->latency) + 4096; // cycles
  b.aresetn = false;
  sc_core::sc_start(20, sc_core::SC_NS);
  b.aresetn = true;
  size_t before;
  do {
    before = b.sink.beats.size();
    sc_core::sc_start(static_cast<double>(10 * quiet), sc_core::SC_NS);
  } while (b.sink.beats.size() > before && before <= beats);
}

// Element `lane` of a beat, as the bits of its type.
static uint64_t field(const sc_dt::sc_bv<OUT_BITS> &data, const struct stream &s, int64_t lane) {
  int low = static_cast<int>(lane) * s.width;
  return data.range(low + s.width - 1, low).to_uint64();
}

// The elements that differ; prints the first.
static int64_t mismatches(const bench &b, const network &net) {
  const struct stream &s = net.circuit->outputs[0];
  const std::vector<axi_beat<OUT_BITS>> expected = to_beats<OUT_BITS>(s, net.expected);
  int64_t wrong = 0;
  for (int64_t i = 0; i < net.images * s.elements; i++) {
    int64_t frame = i / s.elements, element = i % s.elements, lane = element % s.lanes;
    int64_t at = frame * s.beats + element / s.lanes;
    if (field(b.sink.beats[at].data, s, lane) == field(expected[at].data, s, lane)) continue;
    if (wrong++ == 0)
      std::cout << "FAIL image " << frame << ", element " << element << ": expected 0x" << std::hex
                << field(expected[at].data, s, lane) << ", found 0x"
                << field(b.sink.beats[at].data, s, lane) << std::dec << "\n";
  }
  return wrong;
}

// What is wrong with the beats as such: their number, TLAST, the padding.
static std::string fault(const bench &b, const network &net) {
  const std::vector<axi_beat<OUT_BITS>> expected =
      to_beats<OUT_BITS>(net.circuit->outputs[0], net.expected);
  if (b.frame_error.read()) return "frame_error is set, but every frame was exact";
  if (b.sink.beats.size() != expected.size())
    return std::to_string(b.sink.beats.size()) + " beats have come, expected " +
           std::to_string(expected.size());
  for (size_t i = 0; i < expected.size(); i++)
    if (b.sink.beats[i].last != expected[i].last)
      return "TLAST is wrong on beat " + std::to_string(i);
  return "";
}

static int run(const char *dir, const char *data, int64_t images, int percent) {
  network net(dir, data, images);
  auto b = std::make_unique<bench>("bench");
  b->source.beats = to_beats<IN_BITS>(net.circuit->inputs[0], net.codes);
  b->source.idle = stall(percent, 1);
  b->sink.busy = stall(percent, 2);
  simulate(*b, net, net.images * net.circuit->outputs[0].beats);
  std::string reason = fault(*b, net);
  if (!reason.empty()) {
    std::cout << "FAIL " << reason << "\n";
    return 1;
  }
  int64_t wrong = mismatches(*b, net);
  std::cout << (wrong ? "FAIL " : "PASS ") << net.images << " images, " << net.expected.size()
            << " elements compared, " << wrong << " mismatches\n";
  return wrong != 0;
}

int sc_main(int argc, char **argv) {
  if (argc != 5) {
    std::cerr << "usage: simulation DIR DATA IMAGES STALL\n";
    return 2;
  }
  try {
    return run(argv[1], argv[2], std::atoll(argv[3]), std::atoi(argv[4]));
  } catch (const std::exception &e) {
    std::cerr << "simulation: " << e.what() << "\n";
    return 1;
  }
}
