# SPDX-License-Identifier: Apache-2.0
# Completion for bash: verbs, their options (asked of the command itself, so that it cannot fall behind) and paths.
# Installed as bash-completion/completions/certstore.

_certstore_options() {
    "$1" ${2:+"$2"} --help 2>/dev/null | grep -oE -e '^  (-[a-z], )?--[a-z][a-z-]+' | grep -oE -e '--[a-z-]+'
}

_certstore_verbs() {
    "$1" --help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# The verb is the first word that is no option and no option's value.
_certstore_verb() {
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --state-dir | --pass | --so-pin | --profile) ((i++)) ;;
        -*) ;;
        *)
            printf '%s\n' "${COMP_WORDS[i]}"
            return
            ;;
        esac
    done
}

_certstore() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[0]} verb
    verb=$(_certstore_verb)
    COMPREPLY=()
    case $previous in
    --pass | --new-pass | --so-pin)
        mapfile -t COMPREPLY < <(compgen -W 'env: file: fd: stdin' -- "$current")
        compopt -o nospace 2>/dev/null
        return
        ;;
    --sort)
        mapfile -t COMPREPLY < <(compgen -W 'alias expiry' -- "$current")
        return
        ;;
    --trust)
        mapfile -t COMPREPLY < <(compgen -W 'serverAuth clientAuth codeSigning emailProtection timeStamping OCSPSigning any' -- "$current")
        return
        ;;
    --new-key)
        mapfile -t COMPREPLY < <(compgen -W 'RSA:2048 RSA:3072 RSA:4096 EC:P-256 EC:P-384 EC:P-521 Ed25519' -- "$current")
        return
        ;;
    --key-policy)
        mapfile -t COMPREPLY < <(compgen -W 'extractable readable always-authenticate reuse rotate' -- "$current")
        return
        ;;
    --expiring)
        mapfile -t COMPREPLY < <(compgen -W '7d 14d 30d 90d' -- "$current")
        return
        ;;
    --profile)
        mapfile -t COMPREPLY < <(compgen -W 'java8 java17 openssl3 fips legacy' -- "$current")
        return
        ;;
    --state-dir)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_certstore_options "$command" "$verb")" -- "$current")
    elif [[ -z $verb || $verb == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_certstore_verbs "$command") help" -- "$current")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}

complete -F _certstore certstore
