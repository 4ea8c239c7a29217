// SPDX-License-Identifier: Apache-2.0
#include "sim/paths.h"

#include "gen/folder.h"
#include "sw/base/file.h"
#include "sw/base/near.h"
#include "sw/base/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *absolute(struct arena *a, const char *path, struct err *e) {
  char *found = realpath(path, NULL);
  const char *copy = found ? arena_strdup(a, found) : NULL;
  free(found);
  if (!copy) err_put(e, "%s: %s", path, strerror(errno));
  return copy;
}

static bool plain(const char *path) {
  return !path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "/._-+@,=")];
}

// Where make finds its way.
static const char *scratch(void) {
  return plain(file_scratch()) ? file_scratch() : P_tmpdir;
}

// A folder that only this user can write.
static bool own_folder(const char *path, struct err *e) {
  struct stat st;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return err_set(e, "%s: %s", path, strerror(errno));
  bool own = lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
             (st.st_mode & 077) == 0;
  return own || err_set(e, "%s: exists and isn't this user's own folder", path);
}

// Builds whose folder of the user's is gone: nobody will ask for them again.
static void remove_forgotten(struct arena *a) {
  const char *mine = arena_printf(a, "nngen-%ld-", (long)geteuid());
  DIR *d = opendir(scratch());
  for (struct dirent *entry; d && (entry = readdir(d));) {
    if (strncmp(entry->d_name, mine, strlen(mine)) != 0) continue;
    const char *folder = arena_printf(a, "%s/%s", scratch(), entry->d_name);
    const char *work = arena_printf(a, "%s/work", folder);
    struct err ignored = {0};
    struct stat link, named;
    bool forgotten = lstat(work, &link) == 0 && S_ISLNK(link.st_mode) && stat(work, &named) != 0 &&
                     errno == ENOENT;
    if (forgotten && own_folder(folder, &ignored)) folder_remove(folder, &ignored);
  }
  if (d) closedir(d);
}

// The link that stands for a path, made anew.
static const char *linked(struct arena *a, const char *folder, const char *name, const char *to,
                          struct err *e) {
  const char *path = arena_printf(a, "%s/%s", folder, name);
  unlink(path);
  if (symlink(to, path) == 0) return path;
  err_put(e, "%s: %s", path, strerror(errno));
  return NULL;
}

bool paths_make_plain(struct arena *a, struct simulate_job *job, struct err *e) {
  const char *archive = near_program(a, "libnngen.a");
  if (!archive) archive = arena_printf(a, "%s/build/libnngen.a", NNGEN_ROOT);
  job->work = absolute(a, job->work, e);
  job->folder = absolute(a, job->folder, e);
  job->archive = absolute(a, archive, e);
  if (!job->work || !job->folder || !job->archive) return false;
  job->build = job->work;
  if (plain(job->work) && plain(job->folder) && plain(job->archive)) return true;
  const char *all = arena_printf(a, "%s\n%s\n%s", job->work, job->folder, job->archive);
  const char *folder = arena_printf(a, "%s/nngen-%ld-%.16s", scratch(), (long)geteuid(),
                                    sha256_hex(a, all, strlen(all)));
  remove_forgotten(a);
  if (!own_folder(folder, e)) return false;
  job->build = folder; // make follows links and would find the other name again
  job->work = linked(a, folder, "work", job->work, e);
  job->folder = linked(a, folder, "rtl", job->folder, e);
  job->archive = linked(a, folder, "libnngen.a", job->archive, e);
  return job->work && job->folder && job->archive;
}
