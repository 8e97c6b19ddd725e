/* SPDX-License-Identifier: Apache-2.0 */
/* certstore.i: the raw layers, from certstore.h as it stands. What a language makes of handles, bytes and errors is in its own file. */
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
%include <stdint.i>
#endif
#ifdef SWIGGO
%include "go.i"
#endif
%include "certstore.h"
