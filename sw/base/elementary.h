// SPDX-License-Identifier: Apache-2.0
// Elementary functions in double by polynomials of our own: plain arithmetic in a fixed order, so
// that every machine and every C library gives the same bits. Errors stay below four units in the
// last place, of erfc six.
#ifndef NNGEN_BASE_ELEMENTARY_H
#define NNGEN_BASE_ELEMENTARY_H

double elementary_exp(double x);
double elementary_expm1(double x); // exp(x) - 1
double elementary_log(double x);   // x > 0
double elementary_log1p(double x); // log(1 + x), x > -1
double elementary_tanh(double x);
double elementary_erfc(double x);
double elementary_sin(double x); // |x| < 2^20
double elementary_cos(double x); // |x| < 2^20

#endif
