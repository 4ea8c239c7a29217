// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_CMD_SEARCH_PAGE_H
#define NNGEN_CMD_SEARCH_PAGE_H

#include "cmd/command.h"
#include "search/study.h"

// Writes the page of a study.
bool search_page(struct arena *a, const struct journal *j, const struct journal_study *s,
                 const char *path, struct err *e);

#endif
