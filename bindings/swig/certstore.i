/* SPDX-License-Identifier: Apache-2.0 */
/* certstore.i: the raw layers of the bindings, from the public header as it stands; what a language needs beyond SWIG's own ways is in its
 * own file. */
#ifdef SWIGPYTHON
%module(package="certstore", threads="1") lowlevel
#else
%module raw
#endif
%{
#include <certstore.h>
%}
#ifdef SWIGPYTHON
%include "python.i"
#endif
#ifdef SWIGGO
%include "go.i"
#endif
%include "certstore.h"
