# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# lib.sh: Go without a network, on the library of the build tree. The caller sets top, build and work.
export GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOPATH="$work/gopath" CGO_ENABLED=1
mkdir -p "$build/go/pkgconfig"
cat >"$build/go/pkgconfig/certstore.pc" <<PC
Name: certstore
Description: the library in the build tree
Version: 0
Cflags: -I"$top/libcertstore/include"
Libs: -L"$build/lib" -lcertstore -Wl,-rpath,"$build/lib"
PC
export PKG_CONFIG_PATH="$build/go/pkgconfig"

# Every Go there is: the one on PATH, and Debian's where that is another.
gos() {
    debian=/usr/lib/go-1.19/bin/go
    first=$(command -v go) && echo "$first"
    if [ -x $debian ] && [ "$($debian env GOVERSION)" != "$("${first:-false}" env GOVERSION)" ]; then echo $debian; fi
}

# lsan: whether programs can be linked with LeakSanitizer, and run
lsan() {
    echo 'int main(void){return 0;}' | "${CC:-cc}" -fsanitize=leak -x c -o "$work/lsan" - 2>/dev/null && "$work/lsan" 2>/dev/null
}
