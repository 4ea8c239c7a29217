// SPDX-License-Identifier: Apache-2.0
// A Keras file as a safetensors file, and such a file with other numbers in it: the only code that
// calls libzip and libhdf5, in a sandbox.
// Metadata: "config", the JSON of the model; "version", Keras's; "name:G", the layer of group G;
// "path:G/I", the name of its array I (of .h5, where the group of a model has all arrays in it).
// "trained", if the file has the state of an optimizer.
// Tensors: "G/I", array I of group G, as floats.
#include "sw/graph/safetensors.h"
#include "sw/import/keras.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { TENSORS_MOST = 1 << 14, NAME_MOST = 1 << 10, CONFIG_MOST = 64 << 20, DEPTH_MOST = 8 };
static const int64_t bytes_most = (int64_t)1 << 30;

struct dump {
  struct arena arena;
  struct named_tensor *tensors;
  const char *(*metadata)[2];
  uint32_t n_tensors, n_metadata;
  int64_t bytes;
  const struct safetensors *other; // numbers to write; NULL: all are read
  struct err *err;
};

static bool put_metadata(struct dump *d, const char *key, const char *text) {
  if (d->n_metadata == 2 * TENSORS_MOST)
    return err_set(d->err, "more than %d layers", TENSORS_MOST);
  d->metadata[d->n_metadata][0] = arena_strdup(&d->arena, key);
  d->metadata[d->n_metadata++][1] = arena_strdup(&d->arena, text);
  return true;
}

// ---- text attributes

// A name or text of an attribute, alone or in a list; NULL if it is none. Not freed: the process
// ends.
static char **texts_of(struct dump *d, hid_t object, const char *name, hsize_t *count) {
  *count = 0;
  if (H5Aexists(object, name) <= 0) return NULL;
  hid_t attr = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attr),
        space = H5Aget_space(attr);
  hssize_t n = H5Sget_simple_extent_npoints(space);
  if (H5Tget_class(type) != H5T_STRING || n < 1 || n > TENSORS_MOST) return NULL;
  char **list = ARENA_NEW(&d->arena, char *, n);
  hid_t memory = H5Tcopy(H5T_C_S1);
  H5Tset_cset(memory, H5Tget_cset(type));
  if (H5Tis_variable_str(type) > 0) {
    H5Tset_size(memory, H5T_VARIABLE);
    if (H5Aread(attr, memory, list) < 0) return NULL;
  } else {
    size_t size = H5Tget_size(type);
    if (!size || size > CONFIG_MOST / (size_t)n) return NULL;
    char *all = arena_alloc(&d->arena, (size_t)n, size + 1);
    H5Tset_size(memory, size + 1);
    if (H5Aread(attr, memory, all) < 0) return NULL;
    for (hssize_t i = 0; i < n; i++) list[i] = all + (size_t)i * (size + 1);
  }
  for (hssize_t i = 0; i < n; i++)
    if (!list[i]) return NULL;
  *count = (hsize_t)n;
  return list;
}

// Lists of more than 64,512 bytes are cut: layer_names0, layer_names1, ...
static char **list_of(struct dump *d, hid_t object, const char *name, hsize_t *count) {
  char **all = texts_of(d, object, name, count);
  if (all || H5Aexists(object, name) > 0) return all;
  all = ARENA_NEW(&d->arena, char *, TENSORS_MOST);
  for (int part = 0;; part++) {
    hsize_t n;
    char **list = texts_of(d, object, arena_printf(&d->arena, "%s%d", name, part), &n);
    if (!list || *count + n > TENSORS_MOST) return all;
    memcpy(all + *count, list, n * sizeof *list);
    *count += n;
  }
}

// ---- arrays

// A path of hard links, one step after the other.
static hid_t open_path(struct dump *d, hid_t from, const char *path) {
  char *words = arena_strdup(&d->arena, path), *rest = NULL;
  for (char *w = strtok_r(words, "/", &rest); w; w = strtok_r(NULL, "/", &rest)) {
    H5L_info_t info;
    if (H5Lget_info(from, w, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD) {
      err_put(d->err, "\"%s\" isn't there, or leads elsewhere", path);
      return -1;
    }
    from = H5Oopen(from, w, H5P_DEFAULT);
    if (from < 0) {
      err_put(d->err, "\"%s\" can't be opened", path);
      return -1;
    }
  }
  return from;
}

// Its elements are in the file, in one piece or in chunks of deflate.
static bool is_plain(hid_t set) {
  hid_t made = H5Dget_create_plist(set);
  int filters = H5Pget_nfilters(made);
  if (H5Pget_layout(made) == H5D_VIRTUAL || H5Pget_external_count(made) != 0) return false;
  for (int i = 0; i < filters; i++) {
    unsigned flags, config;
    size_t values = 0;
    H5Z_filter_t f = H5Pget_filter2(made, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
    if (f != H5Z_FILTER_DEFLATE && f != H5Z_FILTER_SHUFFLE && f != H5Z_FILTER_FLETCHER32)
      return false;
  }
  return true;
}

// The numbers of the same name, if there are, in the place of the file's and in their type.
static bool write_array(struct dump *d, hid_t set, const char *name, H5T_class_t cls,
                        int64_t count) {
  int64_t at = safetensors_find(d->other, name);
  const struct tensor *t = at < 0 ? NULL : d->other->tensors[at].tensor;
  if (!t) return true;
  if (cls != H5T_FLOAT) return err_set(d->err, "\"%s\" holds integers, expected floats", name);
  return (t->count == count && t->dtype == DTYPE_F32 &&
          H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->data) >= 0) ||
         err_set(d->err, "\"%s\" can't be written", name);
}

// What archives and arrays may unpack to: weights hardly become smaller when they are packed.
enum { UNPACKED_TIMES = 64, UNPACKED_SPARE = 16 << 20 };

static bool put_array(struct dump *d, hid_t set, const char *name) {
  hsize_t dims[RANK_MAX];
  int64_t shape[RANK_MAX], count = 1;
  if (H5Iget_type(set) != H5I_DATASET || !is_plain(set))
    return err_set(d->err, "\"%s\" is no array whose elements are in the file", name);
  hid_t space = H5Dget_space(set), type = H5Dget_type(set);
  int rank = H5Sget_simple_extent_ndims(space);
  H5T_class_t cls = H5Tget_class(type);
  if (rank < 0 || rank > RANK_MAX || (cls != H5T_FLOAT && cls != H5T_INTEGER))
    return err_set(d->err, "\"%s\": expected numbers of at most %d axes", name, RANK_MAX);
  H5Sget_simple_extent_dims(space, dims, NULL);
  for (int i = 0; i < rank; i++) {
    if (dims[i] > (hsize_t)ELEMENTS_MAX || (dims[i] && count > ELEMENTS_MAX / (int64_t)dims[i]))
      return err_set(d->err, "\"%s\" has more than %lld elements", name, (long long)ELEMENTS_MAX);
    shape[i] = (int64_t)dims[i];
    count *= shape[i];
  }
  if (4 * count > UNPACKED_SPARE &&
      (4 * count - UNPACKED_SPARE) / UNPACKED_TIMES > (int64_t)H5Dget_storage_size(set))
    return err_set(d->err,
                   "\"%s\" unpacks to %lld bytes, more than %d times of what is stored: save it "
                   "without compression",
                   name, (long long)(4 * count), UNPACKED_TIMES);
  d->bytes += 4 * count;
  if (d->bytes > bytes_most || d->n_tensors == TENSORS_MOST)
    return err_set(d->err, "its arrays take more than %lld bytes", (long long)bytes_most);
  if (d->other) return write_array(d, set, name, cls, count);
  struct tensor *t = tensor_new(&d->arena, DTYPE_F32, rank, shape);
  if (H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->data) < 0)
    return err_set(d->err, "\"%s\" can't be read", name);
  d->tensors[d->n_tensors++] = (struct named_tensor){arena_strdup(&d->arena, name), t};
  return true;
}

// ---- .h5: lists of names

static bool put_layer(struct dump *d, hid_t all, const char *layer, hsize_t index) {
  hsize_t n;
  hid_t group = open_path(d, all, layer);
  if (group < 0) return false;
  char **names = list_of(d, group, "weight_names", &n);
  if (!put_metadata(d, arena_printf(&d->arena, "name:%llu", (unsigned long long)index), layer))
    return false;
  for (hsize_t i = 0; names && i < n; i++) {
    hid_t set = open_path(d, group, names[i]);
    const char *key =
        arena_printf(&d->arena, "%llu/%llu", (unsigned long long)index, (unsigned long long)i);
    if (set < 0 || !put_array(d, set, key) ||
        !put_metadata(d, arena_printf(&d->arena, "path:%s", key), names[i]))
      return err_within(d->err, "%s", names[i]);
  }
  return true;
}

static bool dump_lists(struct dump *d, hid_t file) {
  hsize_t n;
  char **config = texts_of(d, file, "model_config", &n);
  if (!config)
    return err_set(d->err, "it has weights and no model_config: save the whole model "
                           "(model.save(\"net.keras\"))");
  hid_t all = open_path(d, file, "model_weights");
  char **layers = all < 0 ? NULL : list_of(d, all, "layer_names", &n);
  if (!layers) return d->err->text[0] ? false : err_set(d->err, "it has no layer_names");
  hsize_t one;
  char **version = texts_of(d, file, "keras_version", &one);
  bool trained = H5Lexists(file, "optimizer_weights", H5P_DEFAULT) > 0;
  if (!put_metadata(d, "config", config[0]) ||
      !put_metadata(d, "version", version ? version[0] : "2") ||
      (trained && !put_metadata(d, "trained", "")))
    return false;
  for (hsize_t i = 0; i < n; i++)
    if (!put_layer(d, all, layers[i], i)) return err_within(d->err, "layer \"%s\"", layers[i]);
  return true;
}

// ---- .keras: groups by class and count

struct walk {
  struct dump *dump;
  const char *path; // of the group, with '/' at its end
  int depth;
  bool ok;
};

static herr_t visit(hid_t group, const char *name, const H5L_info_t *info, void *context);

static bool put_vars(struct dump *d, hid_t layer, const char *key) {
  hsize_t n;
  hid_t vars = open_path(d, layer, "vars");
  if (vars < 0) return false;
  char **name = texts_of(d, vars, "name", &n);
  if (name && !put_metadata(d, arena_printf(&d->arena, "name:%s", key), name[0])) return false;
  for (int i = 0;; i++) {
    const char *at = arena_printf(&d->arena, "%d", i);
    if (H5Lexists(vars, at, H5P_DEFAULT) <= 0) return true;
    hid_t set = open_path(d, vars, at);
    if (set < 0 || !put_array(d, set, arena_printf(&d->arena, "%s/%d", key, i))) return false;
  }
}

// The layers of a model that is a layer.
static bool walk_inside(struct dump *d, hid_t layer, const char *key, int depth) {
  struct walk w = {d, arena_printf(&d->arena, "%s/", key), depth, true};
  if (H5Lexists(layer, "layers", H5P_DEFAULT) <= 0) return true;
  if (depth > DEPTH_MOST) return err_set(d->err, "\"%s\": models within models", key);
  hid_t layers = open_path(d, layer, "layers");
  if (layers < 0) return false;
  if (H5Iget_type(layers) == H5I_GROUP)
    H5Literate(layers, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit, &w);
  return w.ok;
}

// The layer that a layer has inside (TimeDistributed).
static bool put_wrapped(struct dump *d, hid_t layer, const char *key) {
  if (H5Lexists(layer, "layer", H5P_DEFAULT) <= 0) return true;
  hid_t inner = open_path(d, layer, "layer");
  if (inner < 0) return false;
  if (H5Iget_type(inner) != H5I_GROUP || H5Lexists(inner, "vars", H5P_DEFAULT) <= 0) return true;
  return put_vars(d, inner, arena_printf(&d->arena, "%s/layer", key));
}

static herr_t visit(hid_t group, const char *name, const H5L_info_t *info, void *context) {
  struct walk *w = context;
  struct dump *d = w->dump;
  if (info->type != H5L_TYPE_HARD || strlen(name) > NAME_MOST) {
    w->ok = err_set(d->err, "\"%s%s\" leads elsewhere", w->path, name);
    return -1;
  }
  hid_t layer = H5Oopen(group, name, H5P_DEFAULT);
  if (layer < 0 || H5Iget_type(layer) != H5I_GROUP) return 0;
  const char *key = arena_printf(&d->arena, "%s%s", w->path, name);
  if (H5Lexists(layer, "vars", H5P_DEFAULT) > 0) w->ok = put_vars(d, layer, key);
  w->ok = w->ok && put_wrapped(d, layer, key) && walk_inside(d, layer, key, w->depth + 1);
  return w->ok ? 0 : -1;
}

static bool dump_groups(struct dump *d, hid_t file, const char *config) {
  struct walk w = {d, "", 0, true};
  bool trained = H5Lexists(file, "optimizer", H5P_DEFAULT) > 0;
  if (!put_metadata(d, "config", config) || !put_metadata(d, "version", "3") ||
      (trained && !put_metadata(d, "trained", "")))
    return false;
  hid_t layers = open_path(d, file, "layers");
  if (layers < 0) return false;
  H5Literate(layers, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit, &w);
  return w.ok;
}

// ---- the file

static hid_t open_image(struct dump *d, void *data, size_t size) {
  H5Eset_auto(H5E_DEFAULT, NULL, NULL); // no messages of its own
  H5PLset_loading_state(0);
  hid_t how = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_core(how, 1 << 16, 0);
  H5Pset_file_image(how, data, size);
  hid_t file = H5Fopen("image", d->other ? H5F_ACC_RDWR : H5F_ACC_RDONLY, how);
  if (file < 0) err_put(d->err, "not a whole HDF5 file");
  return file;
}

static bool is_bomb(const zip_stat_t *st, size_t archive) {
  bool known = st->valid & ZIP_STAT_COMP_SIZE;
  zip_uint64_t packed = known && st->comp_size < archive ? st->comp_size : archive;
  return st->size > UNPACKED_SPARE && (st->size - UNPACKED_SPARE) / UNPACKED_TIMES > packed;
}

static char *unzipped(struct dump *d, zip_t *z, size_t archive, const char *name, size_t most,
                      size_t *size) {
  zip_stat_t st;
  if (zip_stat(z, name, 0, &st) != 0 || !(st.valid & ZIP_STAT_SIZE) || st.size > most) {
    err_put(d->err, "it has no %s of at most %zu bytes", name, most);
    return NULL;
  }
  if (is_bomb(&st, archive)) {
    err_put(d->err,
            "%s in it unpacks to %llu bytes, more than %d times of what it is: pack it without "
            "compression (zip -0)",
            name, (unsigned long long)st.size, UNPACKED_TIMES);
    return NULL;
  }
  char *data = arena_alloc(&d->arena, st.size + 1, 1);
  zip_file_t *f = zip_fopen(z, name, 0);
  zip_int64_t n = f ? zip_fread(f, data, st.size) : -1;
  if (f) zip_fclose(f);
  if (n != (zip_int64_t)st.size) {
    err_put(d->err, "%s in it is damaged", name);
    return NULL;
  }
  *size = st.size;
  return data;
}

static bool put_image(struct dump *d, hid_t file, struct text *out) {
  ssize_t n = H5Fflush(file, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(file, NULL, 0);
  char *image = n > 0 ? arena_alloc(&d->arena, (size_t)n, 1) : NULL;
  if (!image || H5Fget_file_image(file, image, (size_t)n) != n)
    return err_set(d->err, "its copy can't be made");
  text_put(out, image, (size_t)n);
  return true;
}

// The archive with other bytes of a member, which is packed as it was; what else is in it stays.
static bool put_member(struct dump *d, zip_t *z, zip_source_t *source, const char *name,
                       const struct text *bytes, struct text *out) {
  zip_stat_t st;
  zip_int64_t at = zip_name_locate(z, name, 0);
  zip_source_t *with = zip_source_buffer(z, bytes->data, bytes->size, 0);
  zip_source_keep(source);
  bool ok = at >= 0 && with && zip_stat(z, name, 0, &st) == 0 &&
            zip_file_replace(z, (zip_uint64_t)at, with, 0) == 0 &&
            zip_set_file_compression(z, (zip_uint64_t)at, st.comp_method, 0) == 0 &&
            zip_file_set_mtime(z, (zip_uint64_t)at, st.mtime, 0) == 0 && zip_close(z) == 0 &&
            zip_source_stat(source, &st) == 0 && zip_source_open(source) == 0;
  char *all = ok ? arena_alloc(&d->arena, st.size + 1, 1) : NULL;
  if (!ok || zip_source_read(source, all, st.size) != (zip_int64_t)st.size)
    return err_set(d->err, "its copy can't be made");
  text_put(out, all, st.size);
  return true;
}

static bool walk_zip(struct dump *d, const void *data, size_t size, struct text *out) {
  static const char *const member = "model.weights.h5";
  zip_error_t why;
  zip_source_t *source = zip_source_buffer_create(data, size, 0, &why);
  zip_t *z = source ? zip_open_from_source(source, d->other ? 0 : ZIP_RDONLY, &why) : NULL;
  struct text image = {0};
  size_t n, bytes;
  if (!z) return err_set(d->err, "not a whole zip archive");
  char *config = unzipped(d, z, size, "config.json", CONFIG_MOST, &n);
  char *weights = config ? unzipped(d, z, size, member, (size_t)bytes_most, &bytes) : NULL;
  hid_t file = weights ? open_image(d, weights, bytes) : -1;
  if (file < 0 || !dump_groups(d, file, config)) return false;
  return !d->other || (put_image(d, file, &image) && put_member(d, z, source, member, &image, out));
}

// Reads or writes every array of a file; one with other numbers goes to `out`.
static bool walk_file(struct dump *d, const void *data, size_t size, struct text *out) {
  d->tensors = ARENA_NEW(&d->arena, struct named_tensor, TENSORS_MOST);
  d->metadata = arena_alloc(&d->arena, 2 * (size_t)TENSORS_MOST, sizeof *d->metadata);
  if (size > 4 && memcmp(data, "PK\3\4", 4) == 0) return walk_zip(d, data, size, out);
  hid_t file = open_image(d, arena_copy(&d->arena, data, size), size);
  return file >= 0 && dump_lists(d, file) && (!d->other || put_image(d, file, out));
}

bool keras_dump(const void *data, size_t size, struct text *out, struct err *e) {
  struct dump d = {.err = e};
  if (!walk_file(&d, data, size, NULL)) return false;
  struct safetensors all = {d.n_tensors, d.tensors, d.n_metadata, d.metadata};
  safetensors_put(out, &all);
  return true;
}

// ---- other numbers: the size of the file, the file, a safetensors file of arrays

void keras_pack(struct text *out, const void *data, size_t size, const struct safetensors *arrays) {
  text_put(out, (const char *)&size, sizeof size);
  text_put(out, data, size);
  safetensors_put(out, arrays);
}

bool keras_put(const void *data, size_t size, struct text *out, struct err *e) {
  struct dump d = {.err = e};
  struct safetensors arrays;
  size_t n;
  memcpy(&n, data, sizeof n);
  const char *file = (const char *)data + sizeof n;
  if (!safetensors_parse(&d.arena, file + n, size - sizeof n - n, &arrays, e)) return false;
  d.other = &arrays;
  return walk_file(&d, file, n, out);
}
