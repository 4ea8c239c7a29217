// SPDX-License-Identifier: Apache-2.0
// A small mutator of C text: each mutant changes one token, as a slip of the pen would.
//
//   mutate FILE                    lists all mutants: number, line, BEFORE ==> AFTER
//   mutate FILE N                  writes the text of mutant N (from 0)
//   mutate FILE sample COUNT SEED  lists COUNT of them, the same in every run
//
// Mutated are operators, integer literals, true and false, negations, break and continue, and whole
// expression statements, which vanish. Comments, strings, preprocessor lines, assert and messages
// (calls of err_set and its like) are left alone: what they say is not behaviour.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 20, TOKENS_MAX = 1 << 16 };

struct token {
  size_t at, size;
};

static char text[FILE_MAX_BYTES];
static struct token tokens[TOKENS_MAX];
static int n_tokens;

// What an operator is changed to; of two, each is a mutant.
static const char *const changes[][3] = {
    {"+", "-", NULL},
    {"-", "+", NULL},
    {"*", "+", NULL},
    {"/", "*", NULL},
    {"%", "*", NULL},
    {"<<", ">>", NULL},
    {">>", "<<", NULL},
    {"<", "<=", ">"},
    {"<=", "<", NULL},
    {">", ">=", "<"},
    {">=", ">", NULL},
    {"==", "!=", NULL},
    {"!=", "==", NULL},
    {"&&", "||", NULL},
    {"||", "&&", NULL},
    {"&", "|", NULL},
    {"|", "&", NULL},
    {"+=", "-=", NULL},
    {"-=", "+=", NULL},
    {"|=", "&=", NULL},
    {"&=", "|=", NULL},
    {"!", "", NULL},
    {"~", "", NULL},
    {"true", "false", NULL},
    {"false", "true", NULL},
    {"break", "continue", NULL},
    {"continue", "break", NULL},
};
enum { CHANGES = sizeof changes / sizeof *changes };

static int is(int i, const char *word) {
  return i >= 0 && i < n_tokens && strlen(word) == tokens[i].size &&
         strncmp(text + tokens[i].at, word, tokens[i].size) == 0;
}

static int is_word(int i) {
  unsigned char c = (unsigned char)(i >= 0 && i < n_tokens ? text[tokens[i].at] : 0);
  return isalnum(c) || c == '_';
}

// The end of what starts at `p` and isn't code, or p.
static size_t skip(size_t p) {
  if (text[p] == '#' && (p == 0 || text[p - 1] == '\n')) {
    while (text[p] && (text[p] != '\n' || text[p - 1] == '\\')) p++;
  } else if (text[p] == '/' && text[p + 1] == '/') {
    p += strcspn(text + p, "\n");
  } else if (text[p] == '/' && text[p + 1] == '*') {
    char *end = strstr(text + p, "*/");
    p = end ? (size_t)(end - text) + 2 : strlen(text);
  } else if (text[p] == '"' || text[p] == '\'') {
    char quote = text[p++];
    while (text[p] && text[p] != quote) p += text[p] == '\\' ? 2 : 1;
    p++;
  }
  return p;
}

static size_t token_size(size_t p) {
  static const char *const longs[] = {"<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "&&",
                                      "||",  "+=",  "-=", "*=", "|=", "&=", "++", "--", "->"};
  size_t n = 0;
  while (isalnum((unsigned char)text[p + n]) || text[p + n] == '_' ||
         (n && text[p + n] == '.' && isdigit((unsigned char)text[p])))
    n++;
  if (n) return n;
  for (size_t i = 0; i < sizeof longs / sizeof *longs; i++)
    if (strncmp(text + p, longs[i], strlen(longs[i])) == 0) return strlen(longs[i]);
  return 1;
}

static void scan(void) {
  for (size_t p = 0; text[p];) {
    size_t after = skip(p);
    if (after == p && !isspace((unsigned char)text[p])) {
      tokens[n_tokens].at = p;
      tokens[n_tokens++].size = token_size(p);
      after = p + token_size(p);
    }
    p = after == p ? p + 1 : after;
    if (n_tokens == TOKENS_MAX) exit(2);
  }
}

// Between an operator's two operands; otherwise * and & are pointers and - a sign.
static int is_binary(int i) {
  return (is_word(i - 1) || is(i - 1, ")") || is(i - 1, "]")) && !is(i - 1, "return") &&
         (is_word(i + 1) || is(i + 1, "(") || is(i + 1, "-") || is(i + 1, "!") || is(i + 1, "*") ||
          is(i + 1, "&"));
}

static const char *const types[] = {"int64_t", "int32_t", "uint8_t", "char",    "int",
                                    "double",  "float",   "void",    "bool",    "arena",
                                    "graph",   "node",    "value",   "type",    "text",
                                    "err",     "tensor",  "size_t",  "fix_wide"};

// A declaration's star: after the name of a type.
static int is_star(int i) {
  for (size_t k = 0; k < sizeof types / sizeof *types; k++)
    if (is(i - 1, types[k])) return 1;
  return is(i - 2, "struct") || is(i - 1, "const");
}

static int mutates(int i, int change) {
  const char *from = changes[change][0];
  if (!is(i, from)) return 0;
  if (isalpha((unsigned char)*from)) return 1;
  if (strcmp(from, "!") == 0 || strcmp(from, "~") == 0) return 1;
  return is_binary(i) && !(strcmp(from, "*") == 0 && is_star(i));
}

// A decimal integer of up to five digits.
static int is_literal(int i) {
  const char *digits = text + tokens[i].at;
  size_t n = strspn(digits, "0123456789");
  return n == tokens[i].size && n <= 5;
}

// The last token of the expression statement that begins at token i, or -1.
static int statement_end(int i) {
  if (i && !is(i - 1, ";") && !is(i - 1, "{") && !is(i - 1, "}") && !is(i - 1, ")")) return -1;
  if (!is_word(i) && !is(i, "*")) return -1;
  static const char *const keywords[] = {
      "return", "if",    "for",    "while", "switch", "case", "default", "break", "continue",
      "struct", "const", "static", "else",  "do",     "enum", "typedef", "assert"};
  for (size_t k = 0; k < sizeof keywords / sizeof *keywords; k++)
    if (is(i, keywords[k])) return -1;
  if (is_word(i + 1) || is(i + 1, "*")) return -1; // a declaration
  for (int j = i; j < n_tokens && !is(j, "{") && !is(j, "}"); j++)
    if (is(j, ";")) return j;
  return -1;
}

// Inside of a call whose words aren't behaviour.
static int is_message(int i) {
  for (int j = i; j >= 0 && !is(j, ";") && !is(j, "{"); j--)
    if (is(j, "err_set") || is(j, "err_within") || is(j, "err_put") || is(j, "err_put_within") ||
        is(j, "assert") || is(j, "_Static_assert"))
      return 1;
  return 0;
}

// ---- the mutants

struct mutant {
  int first, last; // tokens
  char with[16];
};

static struct mutant mutants[TOKENS_MAX];
static int n_mutants;

static void add(int first, int last, const char *with) {
  if (n_mutants == TOKENS_MAX) exit(2);
  mutants[n_mutants].first = first;
  mutants[n_mutants].last = last;
  snprintf(mutants[n_mutants++].with, sizeof mutants->with, "%s", with);
}

static void find(void) {
  char next[16];
  for (int i = 0; i < n_tokens; i++) {
    if (is_message(i)) continue;
    for (int c = 0; c < CHANGES; c++)
      for (int k = 1; k < 3 && changes[c][k] && mutates(i, c); k++) add(i, i, changes[c][k]);
    if (is_literal(i)) {
      snprintf(next, sizeof next, "%d", atoi(text + tokens[i].at) + 1);
      add(i, i, next);
    }
    int end = statement_end(i);
    if (end > i) add(i, end, ";");
  }
}

static size_t from_of(const struct mutant *m) {
  return tokens[m->first].at;
}

static size_t to_of(const struct mutant *m) {
  return tokens[m->last].at + tokens[m->last].size;
}

// Text in one line, each gap a single space.
static void put_flat(const char *s, size_t size) {
  for (size_t p = 0; p < size; p++)
    if (!isspace((unsigned char)s[p]))
      putchar(s[p]);
    else if (p + 1 < size && !isspace((unsigned char)s[p + 1]))
      putchar(' ');
}

// The whole lines that a mutant changes, before and after: they name it whatever its number is.
static void describe(int number) {
  static char after[FILE_MAX_BYTES];
  const struct mutant *m = &mutants[number];
  size_t begin = from_of(m), end = to_of(m), line = 1;
  while (begin && text[begin - 1] != '\n') begin--;
  while (isspace((unsigned char)text[begin])) begin++;
  end += strcspn(text + end, "\n");
  for (size_t p = 0; p < begin; p++) line += text[p] == '\n';
  printf("%d %zu ", number, line);
  put_flat(text + begin, end - begin);
  printf(" ==> ");
  int size = snprintf(after, sizeof after, "%.*s%s%.*s", (int)(from_of(m) - begin), text + begin,
                      m->with, (int)(end - to_of(m)), text + to_of(m));
  put_flat(after, (size_t)size);
  putchar('\n');
}

static void write_mutant(const struct mutant *m) {
  printf("%.*s%s%s", (int)from_of(m), text, m->with, text + to_of(m));
}

// ---- which of them

// SplitMix64's step.
static unsigned long long random_next(unsigned long long *state) {
  unsigned long long z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static void sample(int count, unsigned long long seed) {
  static int order[TOKENS_MAX];
  for (int i = 0; i < n_mutants; i++) order[i] = i;
  for (int i = 0; i < n_mutants && i < count; i++) {
    int j = i + (int)(random_next(&seed) % (unsigned)(n_mutants - i)), chosen = order[j];
    order[j] = order[i];
    order[i] = chosen;
    describe(chosen);
  }
}

static int usage(void) {
  fprintf(stderr, "usage: mutate FILE [N | sample COUNT SEED]\n");
  return 2;
}

int main(int argc, char **argv) {
  FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;
  if (!f) return usage();
  text[fread(text, 1, sizeof text - 1, f)] = 0;
  fclose(f);
  scan();
  find();
  if (argc == 2)
    for (int i = 0; i < n_mutants; i++) describe(i);
  else if (argc == 5 && strcmp(argv[2], "sample") == 0)
    sample(atoi(argv[3]), strtoull(argv[4], NULL, 10));
  else if (argc == 3 && atoi(argv[2]) < n_mutants)
    write_mutant(&mutants[atoi(argv[2])]);
  else
    return usage();
  return 0;
}
