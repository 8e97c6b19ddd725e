# SPDX-License-Identifier: Apache-2.0
# lib.sh: what the check scripts of the command share: a scratch directory, TAP, and stores that other programs made.
# shellcheck shell=bash
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
case ${BUILD:-build} in
/*) certstore=${BUILD}/bin/certstore ;;
*) certstore=$top/${BUILD:-build}/bin/certstore ;;
esac
[ -x "$certstore" ] || {
    echo "not ok - the command is built: $certstore"
    exit 1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
export CERTSTORE_STATE_DIR=$scratch/state LC_ALL=C.UTF-8
unset NO_COLOR
failures=0

# run EXPECTED-STATUS ARGUMENT...: runs the command with nothing on standard input; what it said is in ./out and ./err.
run() {
    local expected=$1 status
    shift
    "$certstore" "$@" >out 2>err </dev/null
    status=$?
    if [ "$status" -ne "$expected" ]; then
        said="status $status, not $expected: certstore $*"
        return 1
    fi
    said=
}

# test_that "SENTENCE" COMMAND...: one TAP line; a failure shows what the command said last.
test_that() {
    local name=$1
    shift
    said=
    if "$@"; then
        printf 'ok - %s\n' "$name"
    else
        failures=$((failures + 1))
        printf 'not ok - %s\n' "$name"
        [ -z "$said" ] || printf '# %s\n' "$said"
        sed 's/^/# out: /' out 2>/dev/null | head -n 12
        sed 's/^/# err: /' err 2>/dev/null | head -n 6
    fi
}

skip() {
    printf 'ok - %s # skip %s\n' "$1" "$2"
}

finish() {
    [ "$failures" -eq 0 ]
}

# json EXPRESSION: a Python expression about ./out as the document `d`; true or false.
json() {
    python3 -c 'import json, sys
d = json.load(open("out"))
sys.exit(0 if eval(sys.argv[1]) else 1)' "$1" || {
        said="json: $1"
        return 1
    }
}

says() { grep -qF -e "$1" out || { said="standard output lacks: $1"; return 1; }; }
complains() { grep -qF -e "$1" err || { said="standard error lacks: $1"; return 1; }; }
# One line on standard error, in the form of every error.
one_error() { [ "$(wc -l <err)" -eq 1 ] && grep -qE '^certstore: .+: .+' err; }
same() { cmp -s "$1" "$2" || { said="$1 and $2 differ"; return 1; }; }
have() { command -v "$1" >/dev/null 2>&1; }

# A root, an intermediate and two leaves for one host, the second with a new key. Files: root.pem inter.pem old.pem old.key new.pem new.key
make_pki() {
    local quiet=(-nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256)
    {
        openssl req -x509 "${quiet[@]}" -keyout root.key -out root.pem -days 3650 -subj "/CN=Test Root" \
            -addext basicConstraints=critical,CA:TRUE &&
            openssl req "${quiet[@]}" -keyout inter.key -out inter.csr -subj "/CN=Test Intermediate" &&
            printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' >ca.ext &&
            openssl x509 -req -in inter.csr -CA root.pem -CAkey root.key -set_serial 2 -days 1800 -extfile ca.ext -out inter.pem &&
            make_leaf old 3 20 && make_leaf new 4 200 && make_leaf other 5 200
    } >pki.log 2>&1 || {
        cat pki.log
        echo "not ok - openssl makes the test certificates"
        exit 1
    }
}

# make_leaf NAME SERIAL DAYS [KEY]: NAME.pem and, unless KEY is given, NAME.key
make_leaf() {
    printf 'subjectAltName=DNS:www.example,IP:192.0.2.7\nextendedKeyUsage=serverAuth\n' >leaf.ext
    if [ $# -lt 4 ]; then
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" || return 1
    fi
    openssl req -new -key "${4:-$1.key}" -subj "/O=Example/CN=www.example" -out "$1.csr" &&
        openssl x509 -req -in "$1.csr" -CA inter.pem -CAkey inter.key -set_serial "$2" -days "$3" -extfile leaf.ext -out "$1.pem"
}

sha256_of() { openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1; }

# The old identity in a PEM pair and in PKCS#12 (and JKS where keytool is): fullchain.pem privkey.pem app.p12 app.jks; passphrase "changeit".
make_stores() {
    cat old.pem inter.pem >fullchain.pem
    cp old.key privkey.pem
    openssl pkcs12 -export -in old.pem -inkey old.key -certfile inter.pem -name web -out app.p12 -passout pass:changeit
    printf 'changeit\n' >pw
    if have keytool; then
        keytool -importkeystore -srckeystore app.p12 -srcstoretype PKCS12 -srcstorepass changeit -destkeystore app.jks -deststoretype JKS \
            -deststorepass changeit >/dev/null 2>&1 || return 1
    fi
}
