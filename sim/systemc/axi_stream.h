// SPDX-License-Identifier: Apache-2.0
// An AXI4-Stream channel of BITS data bits, its producer and its consumer.
//
//   axi_source --> axi_stream<BITS> --> circuit --> axi_stream<BITS> --> axi_sink
//
// Both sides act at the rising edge of aclk; a beat moves in a cycle in which tvalid and tready are
// high. A side stalls in a random share of the cycles.
#ifndef NNGEN_SIM_SYSTEMC_AXI_STREAM_H
#define NNGEN_SIM_SYSTEMC_AXI_STREAM_H

#include <cstdint>
#include <random>
#include <systemc>
#include <vector>

template <int BITS> struct axi_beat {
  sc_dt::sc_bv<BITS> data;
  bool last = false;
};

template <int BITS> struct axi_stream {
  sc_core::sc_signal<sc_dt::sc_bv<BITS>> tdata;
  sc_core::sc_signal<bool> tvalid, tready, tlast;
};

// True in `percent` of its calls, the same ones in every run.
class stall {
public:
  stall(int percent, uint32_t seed) : percent(percent), random(seed) {}
  bool operator()() { return static_cast<int>(random() % 100) < percent; }

private:
  int percent;
  std::mt19937 random;
};

// Sends beats in their order. What it offers stays until it is taken.
template <int BITS> SC_MODULE(axi_source) {
  sc_core::sc_in<bool> aclk, aresetn;
  sc_core::sc_out<sc_dt::sc_bv<BITS>> tdata;
  sc_core::sc_out<bool> tvalid, tlast;
  sc_core::sc_in<bool> tready;

  SC_CTOR(axi_source) {
    SC_METHOD(step);
    this->sensitive << aclk.pos();
    this->dont_initialize();
  }

  void connect(axi_stream<BITS> & to) {
    tdata(to.tdata);
    tvalid(to.tvalid);
    tready(to.tready);
    tlast(to.tlast);
  }

  std::vector<axi_beat<BITS>> beats;
  stall idle{0, 1};

private:
  size_t next = 0;

  void step() {
    bool free = !tvalid.read() || tready.read();
    if (!aresetn.read()) {
      tvalid.write(false);
    } else if (free) {
      bool offers = next < beats.size() && !idle();
      tvalid.write(offers);
      if (!offers) return;
      tdata.write(beats[next].data);
      tlast.write(beats[next].last);
      next++;
    }
  }
};

// Collects the beats that come, with the cycle of each.
template <int BITS> SC_MODULE(axi_sink) {
  sc_core::sc_in<bool> aclk, aresetn;
  sc_core::sc_in<sc_dt::sc_bv<BITS>> tdata;
  sc_core::sc_in<bool> tvalid, tlast;
  sc_core::sc_out<bool> tready;

  SC_CTOR(axi_sink) {
    SC_METHOD(step);
    this->sensitive << aclk.pos();
    this->dont_initialize();
  }

  void connect(axi_stream<BITS> & from) {
    tdata(from.tdata);
    tvalid(from.tvalid);
    tready(from.tready);
    tlast(from.tlast);
  }

  std::vector<axi_beat<BITS>> beats;
  stall busy{0, 2};

private:
  void step() {
    if (aresetn.read() && tvalid.read() && tready.read())
      beats.push_back({tdata.read(), tlast.read()});
    tready.write(aresetn.read() && !busy());
  }
};

#endif
