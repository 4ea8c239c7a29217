// SPDX-License-Identifier: Apache-2.0
// Work on hostile bytes with a library that may not be safe from them: in a child process that can
// open no file and no socket, start no process, and take no more memory and time than it is given.
// Only bytes come back, which the caller checks like those of any file.
#ifndef NNGEN_BASE_SANDBOX_H
#define NNGEN_BASE_SANDBOX_H

#include "sw/base/file.h"
#include "sw/base/text.h"

struct sandbox {
  size_t memory;    // bytes of the child's address space beyond the parent's
  size_t most;      // bytes that may come back
  unsigned seconds; // of processor time
};

// What the child does: bytes into `out`, or false with a message.
typedef bool sandbox_work(const void *data, size_t size, struct text *out, struct err *e);

// What came back. False with the work's message, or what ended the child.
bool sandbox_run(struct arena *a, const struct sandbox *limits, sandbox_work *work,
                 const void *data, size_t size, struct bytes *out, struct err *e);

#endif
