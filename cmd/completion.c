// SPDX-License-Identifier: Apache-2.0
// completion: scripts for shells, made from the tables of commands and options. Install them as
//
//     bash  share/bash-completion/completions/nngen
//     zsh   share/zsh/site-functions/_nngen
//     fish  share/fish/vendor_completions.d/nngen.fish
#include "cmd/command.h"

#include <string.h>

static bool takes_path(const struct option_row *r) {
  return r->argument && (strcmp(r->argument, "FILE") == 0 || strcmp(r->argument, "PATH") == 0);
}

static void put_commands(struct text *t, const char *separator) {
  for (int c = 0; c < COMMANDS; c++)
    text_printf(t, "%s%s", c ? separator : "", command_rows[c].name);
}

// ---- bash

// "--precision --rounding ...": the options of a command.
static void bash_options(struct text *t, unsigned bit) {
  for (int i = 0, n = 0; i < option_count; i++)
    if (option_rows[i].commands & bit)
      text_printf(t, "%s--%s", n++ ? " " : "", option_rows[i].name);
}

// What comes after an option: words, paths, or something of the user's own.
static void bash_arguments(struct text *t) {
  for (int i = 0; i < option_count; i++) {
    const struct option_row *r = &option_rows[i];
    if (!r->argument) continue;
    text_printf(t, "    --%s", r->name);
    if (r->letter) text_printf(t, "|-%c", r->letter);
    if (takes_path(r))
      text_puts(t, ") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n");
    else if (r->words[0])
      text_printf(t, ") COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", r->words);
    else
      text_puts(t, ") return ;;\n");
  }
}

static void bash(struct text *t) {
  text_puts(t, "_nngen() {\n"
               "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options\n"
               "  compopt -o filenames\n"
               "  case $before in\n");
  bash_arguments(t);
  text_puts(t, "  esac\n  case ${COMP_WORDS[1]} in\n");
  for (int c = COMMANDS - 1; c >= 0; c--) {
    text_printf(t, "    %s) options='", c ? command_rows[c].name : "*");
    bash_options(t, command_rows[c].bit);
    text_puts(t, "' ;;\n");
  }
  text_puts(t, "  esac\n"
               "  if [[ $word == -* ]]; then\n"
               "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
               "    return\n"
               "  fi\n"
               "  COMPREPLY=($(compgen -f -- \"$word\"))\n"
               "  if [[ $COMP_CWORD == 1 ]]; then\n"
               "    COMPREPLY+=($(compgen -W 'help ");
  put_commands(t, " ");
  text_puts(t, "' -- \"$word\"))\n"
               "  elif [[ $before == help ]]; then\n"
               "    COMPREPLY=($(compgen -W '");
  put_commands(t, " ");
  text_puts(t, "' -- \"$word\"))\n"
               "  elif [[ $before == completion ]]; then\n"
               "    COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\"))\n"
               "  fi\n"
               "}\n"
               "complete -F _nngen nngen\n");
}

// ---- zsh

// A help text between single quotes and brackets.
static void zsh_text(struct text *t, const char *s) {
  for (; *s; s++) {
    if (*s == '\'')
      text_puts(t, "'\\''");
    else
      text_printf(t, strchr("[]:\\", *s) ? "\\%c" : "%c", *s);
  }
}

static void zsh_option(struct text *t, const struct option_row *r) {
  text_printf(t, " \\\n        '--%s[", r->name);
  zsh_text(t, r->help[0] ? r->help : r->words);
  text_puts(t, "]");
  if (takes_path(r)) text_puts(t, ":file:_files");
  if (r->argument && !takes_path(r)) {
    text_printf(t, ":%s:", r->name);
    if (r->words[0]) text_printf(t, "(%s)", r->words);
  }
  text_puts(t, "'");
}

static void zsh_command(struct text *t, enum command c) {
  const struct command_row *row = &command_rows[c];
  text_printf(t, "    %s)\n      _arguments", c ? row->name : "*");
  for (int i = 0; i < option_count; i++)
    if (option_rows[i].commands & row->bit) zsh_option(t, &option_rows[i]);
  if (strcmp(row->argument, "SHELL") == 0)
    text_puts(t, " \\\n        '*:shell:(bash zsh fish)'");
  else if (row->argument[0])
    text_puts(t, " \\\n        '*:model:_files'");
  text_puts(t, " ;;\n");
}

static void zsh(struct text *t) {
  text_puts(t, "#compdef nngen\n"
               "_nngen() {\n"
               "  local -a commands=(");
  for (int c = 0; c < COMMANDS; c++) {
    text_printf(t, "\n    '%s:", command_rows[c].name);
    zsh_text(t, command_rows[c].summary);
    text_puts(t, "'");
  }
  text_puts(t, ")\n"
               "  if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
               "    _describe command commands\n"
               "    _files\n"
               "    return\n"
               "  fi\n"
               "  case $words[2] in\n");
  for (int c = COMMANDS - 1; c >= 0; c--) zsh_command(t, (enum command)c);
  text_puts(t, "  esac\n"
               "}\n"
               "_nngen \"$@\"\n");
}

// ---- fish

static void fish_text(struct text *t, const char *s) {
  for (; *s; s++) text_printf(t, strchr("'\\", *s) ? "\\%c" : "%c", *s);
}

// The commands that take an option; generate is also what no command means.
static void fish_condition(struct text *t, unsigned commands) {
  if (commands == (1 << COMMANDS) - 1) return;
  text_puts(t, " -n '");
  if (commands & GENERATE) {
    text_puts(t, "not __fish_seen_subcommand_from");
    for (int c = 0; c < COMMANDS; c++)
      if (!(command_rows[c].bit & commands)) text_printf(t, " %s", command_rows[c].name);
  } else {
    text_puts(t, "__fish_seen_subcommand_from");
    for (int c = 0; c < COMMANDS; c++)
      if (command_rows[c].bit & commands) text_printf(t, " %s", command_rows[c].name);
  }
  text_puts(t, "'");
}

static void fish(struct text *t) {
  for (int c = 0; c < COMMANDS; c++) {
    text_printf(t, "complete -c nngen -n __fish_use_subcommand -a %s -d '", command_rows[c].name);
    fish_text(t, command_rows[c].summary);
    text_puts(t, "'\n");
  }
  text_puts(
      t, "complete -c nngen -n '__fish_seen_subcommand_from completion' -x -a 'bash zsh fish'\n");
  for (int i = 0; i < option_count; i++) {
    const struct option_row *r = &option_rows[i];
    text_puts(t, "complete -c nngen");
    fish_condition(t, r->commands);
    text_printf(t, " -l %s", r->name);
    if (r->letter) text_printf(t, " -s %c", r->letter);
    if (takes_path(r)) text_puts(t, " -r -F");
    if (r->argument && !takes_path(r)) text_puts(t, " -x");
    if (r->words[0]) text_printf(t, " -a '%s'", r->words);
    text_puts(t, " -d '");
    fish_text(t, r->help[0] ? r->help : r->words);
    text_puts(t, "'\n");
  }
}

int command_completion(struct arena *a, const struct options *o, struct err *e) {
  static const struct {
    const char *name;
    void (*put)(struct text *t);
  } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
  (void)a;
  for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
    if (strcmp(shells[i].name, o->model) != 0) continue;
    struct text t = {0};
    shells[i].put(&t);
    fwrite(t.data, 1, t.size, stdout);
    text_free(&t);
    return EXIT_GOOD;
  }
  err_put(e, "completion %s: expected bash, zsh or fish", o->model);
  return EXIT_USAGE;
}
