# SPDX-License-Identifier: Apache-2.0
"""Builds the raw layer with SWIG from the installed certstore.h, found with pkg-config; `make python` names a build tree instead."""
import os
import shlex
import shutil
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

HERE = os.path.dirname(os.path.abspath(__file__))


def flags(what):
    given = os.environ.get("CERTSTORE_" + what.upper())
    if given is not None:
        return shlex.split(given)
    return shlex.split(subprocess.check_output(["pkg-config", "--" + what, "certstore"], text=True))


def header_dir(cflags):
    """Where certstore.h is: SWIG reads it as well, and does not look where the compiler does by itself."""
    named = [flag[2:] for flag in cflags if flag.startswith("-I")]
    return next(folder for folder in [*named, "/usr/local/include", "/usr/include"] if os.path.exists(os.path.join(folder, "certstore.h")))


class BuildExt(build_ext):
    def run(self):
        # The interface file lies beside this folder in the repository, and in it where that was copied.
        beside = os.path.join(HERE, os.pardir, "swig")
        interface = beside if os.path.isdir(beside) else os.path.join(HERE, "swig")
        cflags = flags("cflags")
        out = os.path.join(HERE, "certstore")
        made = os.path.join(self.build_temp, "lowlevel_wrap.c")
        os.makedirs(self.build_temp, exist_ok=True)
        swig = shutil.which("swig") or "swig"
        self.spawn([swig, "-python", "-I" + header_dir(cflags), "-I" + interface, "-outdir", out, "-o", made, os.path.join(interface, "certstore.i")])
        for extension in self.extensions:
            extension.sources = [made]
            extension.extra_compile_args = [*cflags, "-Wno-unused-but-set-variable"]
            extension.extra_link_args = flags("libs")
        super().run()


class BuildPy(build_py):
    """After the extension, since SWIG makes a module of Python as well."""

    def run(self):
        self.run_command("build_ext")
        super().run()


setup(ext_modules=[Extension("certstore._lowlevel", sources=[])], cmdclass={"build_ext": BuildExt, "build_py": BuildPy})
