// SPDX-License-Identifier: Apache-2.0
// What training makes small. With t the targets and y the outputs of an image:
//
//   cross_entropy   -sum_i t_i log softmax(y)_i; of distances, whose least is the class, of -y
//   mse             the mean of (y_i - t_i)^2
//   rbf[:J]         y_D + log(e^-J + sum_i e^-y_i), of distances y and the class D, of LeCun et
//   al.,
//                   "Gradient-based learning applied to document recognition" (1998): the cross
//                   entropy of -y with a class more, that is never right, at distance J. Distances
//                   of the other classes that are well beyond J are left alone.
#ifndef NNGEN_TRAIN_LOSS_H
#define NNGEN_TRAIN_LOSS_H

#include "sw/base/err.h"
#include "sw/base/text.h"

enum loss_kind { LOSS_CROSS_ENTROPY, LOSS_MSE, LOSS_RBF };

struct loss {
  enum loss_kind kind;
  double rubbish; // J, of LOSS_RBF
};

// False with the word that is wrong and the one that is near it.
bool loss_parse(const char *words, struct loss *out, struct err *e);

void loss_put(struct text *t, struct loss loss);

#endif
