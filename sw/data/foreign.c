// SPDX-License-Identifier: Apache-2.0
// Files that people have instead of .npy, told apart by how they begin.
#include "sw/data/array.h"

#include <string.h>

static bool begins(const unsigned char *bytes, size_t size, const char *magic, size_t length) {
  return size >= length && memcmp(bytes, magic, length) == 0;
}

// Printable at its beginning: rows of numbers, most likely.
static bool is_text(const unsigned char *bytes, size_t size) {
  size_t n = size < 256 ? size : 256;
  for (size_t i = 0; i < n; i++)
    if ((bytes[i] < 32 && !strchr("\t\r\n", bytes[i])) || bytes[i] == 127 || !bytes[i])
      return false;
  return n > 0;
}

static bool holds(const unsigned char *bytes, size_t size, const char *word) {
  return memmem(bytes, size < 4096 ? size : 4096, word, strlen(word)) != NULL;
}

const char *foreign_remedy(const unsigned char *bytes, size_t size) {
  static const struct {
    const char *magic;
    size_t length;
    const char *remedy;
  } kinds[] = {
      {"\x89PNG", 4,
       "a PNG picture: np.save(\"x.npy\", np.asarray(Image.open(FILE))[None]) in Python"},
      {"\xff\xd8\xff", 3,
       "a JPEG picture: np.save(\"x.npy\", np.asarray(Image.open(FILE))[None]) in Python"},
      {"\x89HDF", 4, "an HDF5 file: np.save(\"x.npy\", h5py.File(FILE)[NAME][:]) in Python"},
      {"PAR1", 4, "a Parquet file: np.save(\"x.npy\", pd.read_parquet(FILE).to_numpy()) in Python"},
      {"ARROW1", 6,
       "a Feather file: np.save(\"x.npy\", pd.read_feather(FILE).to_numpy()) in Python"},
      {"MATLAB", 6, "a MATLAB file: np.save(\"x.npy\", scipy.io.loadmat(FILE)[NAME]) in Python"},
      {"\x80", 1, "a Python pickle: np.save(\"x.npy\", pickle.load(open(FILE, \"rb\"))) in Python"},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (begins(bytes, size, kinds[i].magic, kinds[i].length)) return kinds[i].remedy;
  if (begins(bytes, size, "PK", 2))
    return holds(bytes, size, "data.pkl")
               ? "a PyTorch file: np.save(\"x.npy\", torch.load(FILE).numpy()) in Python"
               : NULL;
  if (is_text(bytes, size))
    return "text: np.save(\"x.npy\", np.loadtxt(FILE, delimiter=\",\")) in Python makes a .npy of "
           "rows "
           "of numbers";
  return NULL;
}
