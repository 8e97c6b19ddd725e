/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python.i: how certstore.h looks from Python. A handle is a capsule, which frees it; bytes are bytes, text is str, and an error is raised.
 *
 * A capsule knows its type, so that None or another handle is a TypeError. What is borrowed in C never dangles here: an entry is handed out as
 * a copy (entries share what they hold), a certificate or a report keeps alive what it is borrowed from, a transaction its stores.
 */
%{
#include <string.h>
#include <unistd.h>

/* Makes the exception of a failure: failure(status, message, cause, subject). Set once, by the package. */
static PyObject *make_failure;

static void raise_error(const certstore_error *err)
{
    if (PyErr_Occurred())
        return;
    if (make_failure == NULL) {
        PyErr_SetString(PyExc_RuntimeError, certstore_error_message(err));
        return;
    }
    const char *texts[] = { certstore_error_message(err), certstore_error_cause(err), certstore_error_subject(err) };
    PyObject *parts[3] = { NULL, NULL, NULL };
    for (int i = 0; i < 3; i++)
        parts[i] = PyUnicode_DecodeUTF8(texts[i], (Py_ssize_t)strlen(texts[i]), "surrogateescape");
    PyObject *failure = NULL;
    if (parts[0] != NULL && parts[1] != NULL && parts[2] != NULL)
        failure = PyObject_CallFunction(make_failure, "iOOO", (int)certstore_error_status(err), parts[0], parts[1], parts[2]);
    if (failure != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(failure), failure);
    Py_XDECREF(failure);
    for (int i = 0; i < 3; i++)
        Py_XDECREF(parts[i]);
}

/* The library writes U+0000 in an alias as C0 80, as Java does; in a str it is what it is. */
static PyObject *text_from(const char *text)
{
    if (text == NULL)
        Py_RETURN_NONE;
    PyObject *str = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
    if (str == NULL || strstr(text, "\xC0\x80") == NULL)
        return str;
    PyObject *from = PyUnicode_DecodeUTF8("\xC0\x80", 2, "surrogateescape");
    PyObject *to = PyUnicode_FromStringAndSize("\0", 1);
    PyObject *whole = from != NULL && to != NULL ? PyUnicode_Replace(str, from, to, -1) : NULL;
    Py_XDECREF(from);
    Py_XDECREF(to);
    Py_DECREF(str);
    return whole;
}

/* The bytes of a str, as the library wants them; NULL with an exception. A NUL passes in an alias only: elsewhere it would cut the text short. */
static PyObject *bytes_of_text(PyObject *object, int alias)
{
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "expected str, not %.80s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    PyObject *bytes = PyUnicode_AsEncodedString(object, "utf-8", "surrogateescape");
    if (bytes == NULL || memchr(PyBytes_AS_STRING(bytes), 0, (size_t)PyBytes_GET_SIZE(bytes)) == NULL)
        return bytes;
    PyObject *escaped = NULL;
    if (alias)
        escaped = PyObject_CallMethod(bytes, "replace", "y#y#", "\0", (Py_ssize_t)1, "\xC0\x80", (Py_ssize_t)2);
    else
        PyErr_SetString(PyExc_ValueError, "embedded null character");
    Py_DECREF(bytes);
    return escaped;
}

/* The handle in a capsule; NULL with a TypeError. */
static void *handle_of(PyObject *object, const char *type)
{
    if (PyCapsule_IsValid(object, type))
        return PyCapsule_GetPointer(object, type);
    PyErr_Format(PyExc_TypeError, "expected %s, not %.80s", type, PyCapsule_CheckExact(object) ? "another handle" : Py_TYPE(object)->tp_name);
    return NULL;
}

static PyObject *borrowed(void *pointer, const char *type, PyCapsule_Destructor destructor, PyObject *owner)
{
    if (pointer == NULL)
        Py_RETURN_NONE;
    PyObject *capsule = PyCapsule_New(pointer, type, destructor);
    if (capsule == NULL || PyCapsule_SetContext(capsule, owner) != 0) {
        Py_XDECREF(capsule);
        return NULL;
    }
    Py_INCREF(owner);
    return capsule;
}
static void drop_borrowed(PyObject *capsule)
{
    Py_XDECREF((PyObject *)PyCapsule_GetContext(capsule));
}

/* A transaction borrows its stores: they live until it is freed. After fork it is the parent's, whose files a child must not roll back. */
struct txn_context {
    pid_t pid;
    PyObject *stores;
};
static void drop_txn(PyObject *capsule)
{
    struct txn_context *context = PyCapsule_GetContext(capsule);
    if (context != NULL && context->pid != getpid())
        return;
    certstore_txn_free(PyCapsule_GetPointer(capsule, "certstore_txn"));
    if (context != NULL)
        Py_XDECREF(context->stores);
    PyMem_Free(context);
}
static PyObject *new_txn(certstore_txn *txn)
{
    struct txn_context *context = PyMem_Malloc(sizeof *context);
    PyObject *stores = PyList_New(0);
    PyObject *capsule = context != NULL && stores != NULL ? PyCapsule_New(txn, "certstore_txn", drop_txn) : NULL;
    if (capsule == NULL) {
        certstore_txn_free(txn);
        PyMem_Free(context);
        Py_XDECREF(stores);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    context->pid = getpid();
    context->stores = stores;
    PyCapsule_SetContext(capsule, context);
    return capsule;
}
/* 0 when the store is kept, -1 with an exception. */
static int keep_store(PyObject *txn, PyObject *store)
{
    struct txn_context *context = PyCapsule_GetContext(txn);
    if (context->pid == getpid())
        return PyList_Append(context->stores, store);
    PyErr_SetString(PyExc_ValueError, "transaction: it was begun in the parent process; begin another one");
    return -1;
}
%}

%nothread; /* the interpreter's lock is let go only where a call may wait or work for long */
%thread certstore_open;
%thread certstore_read;
%thread certstore_bundle_parse;
%thread certstore_bundle_export;
%thread certstore_bundle_verify;
%thread certstore_entry_export_key;
%thread certstore_entry_export_key_algorithm;
%thread certstore_entry_key_bits;
%thread certstore_entry_check_key;
%thread certstore_entry_export_csr;
%thread certstore_key_sign;
%thread certstore_key_decrypt;
%thread certstore_key_generate;
%thread certstore_key_export_wrapped;
%thread certstore_key_unwrap;
%thread certstore_txn_prepare;
%thread certstore_txn_commit;
%thread certstore_history_read;
%thread certstore_generation;
%thread certstore_generation_read;
%thread certstore_recover;
%thread certstore_recover_store;
%thread certstore_pending;

/* ---- errors: every call has one of its own, raised when it is set */
%typemap(in, numinputs=0) certstore_error *err {
    $1 = certstore_error_new();
    if ($1 == NULL) {
        PyErr_NoMemory();
        SWIG_fail;
    }
}
%typemap(argout) certstore_error *err {
    if (certstore_error_status($1) != CERTSTORE_OK) {
        Py_CLEAR($result);
        raise_error($1);
        SWIG_fail;
    }
}
%typemap(freearg) certstore_error *err "certstore_error_free($1);"
%typemap(out) certstore_status "$result = SWIG_Py_Void();"
%ignore certstore_error_new;
%ignore certstore_error_free;
%ignore certstore_error_clear;
%ignore certstore_error_status;
%ignore certstore_error_message;
%ignore certstore_error_cause;
%ignore certstore_error_subject;

/* ---- text and bytes */
%typemap(in) const char * (PyObject *text = NULL) {
    if ($input != Py_None && (text = bytes_of_text($input, 0)) == NULL)
        SWIG_fail;
    $1 = text != NULL ? PyBytes_AS_STRING(text) : NULL;
}
%typemap(in) const char *alias (PyObject *text = NULL), const char *new_alias (PyObject *text = NULL) {
    if ($input != Py_None && (text = bytes_of_text($input, 1)) == NULL)
        SWIG_fail;
    $1 = text != NULL ? PyBytes_AS_STRING(text) : NULL;
}
%typemap(freearg) const char *, const char *alias, const char *new_alias "Py_XDECREF(text$argnum);"
%typemap(out) const char * {
    $result = text_from($1);
    if ($result == NULL)
        SWIG_fail;
}
%typemap(in) (const uint8_t *data, size_t size) (Py_buffer view = { 0 }), (const uint8_t *pkcs8, size_t size) (Py_buffer view = { 0 }),
              (const uint8_t *public_key, size_t public_size) (Py_buffer view = { 0 }) {
    if (PyObject_GetBuffer($input, &view, PyBUF_SIMPLE) != 0)
        SWIG_fail;
    $1 = view.buf != NULL ? (uint8_t *)view.buf : (uint8_t *)"";
    $2 = (size_t)view.len;
}
%typemap(freearg) (const uint8_t *data, size_t size), (const uint8_t *pkcs8, size_t size), (const uint8_t *public_key, size_t public_size)
    "if (view$argnum.obj != NULL) PyBuffer_Release(&view$argnum);"
%typemap(out) certstore_bytes * {
    $result = $1 != NULL ? PyBytes_FromStringAndSize((const char *)certstore_bytes_data($1), (Py_ssize_t)certstore_bytes_size($1)) : SWIG_Py_Void();
    certstore_bytes_free($1);
}
%typemap(out) const uint8_t *certstore_cert_data {
    $result = PyBytes_FromStringAndSize((const char *)$1, (Py_ssize_t)certstore_cert_size(arg1));
}
%ignore certstore_bytes_data;
%ignore certstore_bytes_size;
%ignore certstore_bytes_free;

/* ---- handles */
%define %in_handle(TYPE)
%typemap(in) TYPE *, const TYPE * {
    $1 = handle_of($input, #TYPE);
    if ($1 == NULL)
        SWIG_fail;
}
%enddef
%define %handle(TYPE)
%{
static void drop_##TYPE(PyObject *capsule)
{
    TYPE##_free(PyCapsule_GetPointer(capsule, #TYPE));
}
%}
%in_handle(TYPE)
%typemap(out) TYPE * {
    $result = $1 != NULL ? PyCapsule_New($1, #TYPE, drop_##TYPE) : SWIG_Py_Void();
    if ($result == NULL)
        TYPE##_free($1);
}
%ignore TYPE##_free;
%enddef
%handle(certstore)
%handle(certstore_options)
%handle(certstore_bundle)
%handle(certstore_entry)
%handle(certstore_history)
%handle(certstore_report)
%in_handle(certstore_txn)
%in_handle(certstore_cert)
%ignore certstore_txn_free;
%typemap(out) certstore_txn * "$result = $1 != NULL ? new_txn($1) : SWIG_Py_Void();"
%typemap(in) const certstore_options *opts {
    $1 = $input != Py_None ? handle_of($input, "certstore_options") : NULL;
    if ($1 == NULL && PyErr_Occurred())
        SWIG_fail;
}
%typemap(out) const certstore_entry * {
    certstore_entry *copy = $1 != NULL ? certstore_entry_copy($1, NULL) : NULL;
    $result = copy != NULL ? PyCapsule_New(copy, "certstore_entry", drop_certstore_entry) : $1 != NULL ? PyErr_NoMemory() : SWIG_Py_Void();
}
%typemap(out) const certstore_cert * "$result = borrowed((void *)$1, \"certstore_cert\", drop_borrowed, swig_obj[0]);"
/* A bundle's own report is read at once by the package, before the bundle can change. */
%typemap(out) const certstore_report *certstore_bundle_notes "$result = borrowed((void *)$1, \"certstore_report\", drop_borrowed, args);"
%exception certstore_txn_replace {
    if (keep_store(swig_obj[0], swig_obj[1]) != 0)
        SWIG_fail;
    $action
}
%exception certstore_txn_restore {
    if (keep_store(swig_obj[0], swig_obj[1]) != 0)
        SWIG_fail;
    $action
}
%exception certstore_txn_set_password {
    if (keep_store(swig_obj[0], swig_obj[1]) != 0)
        SWIG_fail;
    $action
}

%native(set_failure) PyObject *set_failure(PyObject *self, PyObject *args);
%{
static PyObject *set_failure(PyObject *self, PyObject *args)
{
    PyObject *callable;
    (void)self;
    if (!PyArg_ParseTuple(args, "O", &callable))
        return NULL;
    Py_INCREF(callable);
    Py_XSETREF(make_failure, callable);
    Py_RETURN_NONE;
}
%}
