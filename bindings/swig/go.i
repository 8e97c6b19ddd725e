/* SPDX-License-Identifier: Apache-2.0 */
/* go.i: how certstore.h becomes Go. Handles stay opaque, lists stay count and at; only bytes, numbers of a fixed size and the one string that may be
 * NULL need a word here. */
%include <stdint.i>
%include <typemaps.i>

/* Sizes and indexes are int, as everywhere in Go. */
%typemap(gotype) size_t "int"
%typemap(imtype) size_t "int64"
%typemap(goin) size_t "$result = int64($input)"
%typemap(goout) size_t "$result = int($1)"

/* Bytes in: a slice, read where it lies for the length of the call (every function copies its arguments). */
%typemap(gotype) (const uint8_t *data, size_t size), (const uint8_t *pkcs8, size_t size),
         (const uint8_t *public_key, size_t public_size) "[]byte"
%typemap(in) (const uint8_t *data, size_t size), (const uint8_t *pkcs8, size_t size),
         (const uint8_t *public_key, size_t public_size) %{
  $1 = ($1_ltype)$input.array;
  $2 = (size_t)$input.len;
%}

/* "" stands for NULL, "the format of its own", which is what a name without letters can only mean. */
%typemap(in) const char *format %{
  if ($input.n > 0) {
    $1 = ($1_ltype)malloc($input.n + 1);
    memcpy($1, $input.p, $input.n);
    $1[$input.n] = '\0';
  }
%}
