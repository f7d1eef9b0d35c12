# shellcheck shell=bash disable=SC2154
# Fuzz targets, NAME_fuzz.cpp beside what they are about: `./dev soak fuzz [SECONDS]`, and 5 seconds of each in `./dev test`.
# regress/fuzz_corpus/NAME holds inputs to begin with, regress/fuzz/NAME.dict words to make others of. Sourced by regress/test.sh.

fuzz_folder=build/fuzz
fuzz_program=build/sanitize/regress/fuzz/fuzz
fuzz_found=$fuzz_folder/found # inputs that failed
fuzz_seconds=5                # for each target
fuzz_corpora=                 # folder of the inputs that are found on the way
fuzz_options=()               # of the build

# Whether targets can be built here: with clang and its run-time libraries, whose package bears its version.
have_fuzzer() {
    local version
    wish clang
    version=$(clang++ -dumpversion 2>/dev/null) || return 1
    wish "libclang-rt-${version%%.*}-dev"
    echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char *, unsigned long) { return 0; }' >"$work/empty.cpp"
    logged "$work/empty.log" clang++ -fsanitize=fuzzer,address,undefined "$work/empty.cpp" -o "$work/empty"
}

fuzz_play() { # TARGET: leaves its output and, once it has come to its end, its status
    local status=0 seeds=regress/fuzz_corpus/$1 options=(-timeout=20 -rss_limit_mb=1024 -max_len=2048 -print_final_stats=1)
    [ ! -e "regress/fuzz/$1.dict" ] || options+=("-dict=regress/fuzz/$1.dict")
    mkdir -p "$fuzz_corpora/$1"
    [ -d "$seeds" ] || seeds=$fuzz_corpora/$1
    logged "$work/fuzz-$1.log" nice env UBSAN_OPTIONS=print_stacktrace=1 "$fuzz_program" "--target=$1" "${options[@]}" \
        "-max_total_time=$fuzz_seconds" "-artifact_prefix=$fuzz_found/$1-" "$fuzz_corpora/$1" "$seeds" || status=$?
    echo "$status" >"$work/fuzz-$1.status"
}

fuzz_count() { # TARGET: adds to good and bad; of a finding, the input and how to run it again
    local log=$work/fuzz-$1.log kept
    if [ "$(cat "$work/fuzz-$1.status" 2>/dev/null)" = 0 ]; then
        good=$((good + 1))
        return
    fi
    bad=$((bad + 1))
    echo "fuzz target $1 failed:"
    kept=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    if [ -n "$kept" ]; then
        awk '/does not hold|runtime error|ERROR:|what\(\)|Assertion/ { left = 3 } left-- > 0 && !/^ +#/ && shown++ < 12 { print "    " $0 }' "$log"
        echo "    again: $fuzz_program --target=$1 $kept"
    else
        tail -n 5 "$log" 2>/dev/null | sed 's/^/    /' || true
    fi
}

fuzz_targets=()
prepare_fuzz() { # fills fuzz_targets
    fuzz_targets=()
    if ! have_fuzzer; then
        echo "fuzz left out: no clang with libFuzzer here"
        return
    fi
    fuzz_corpora=${fuzz_corpora:-$work/fuzz}
    if build_sanitized; then
        mkdir -p "$fuzz_found"
        mapfile -t fuzz_targets < <("$fuzz_program" --list)
    fi
    [ ${#fuzz_targets[@]} -gt 0 ] || fuzz_targets=(none) # is counted as failed
    plays+=("${fuzz_targets[@]/#/fuzz/}")
}
fuzz_count_all() { # adds to good and bad
    local name
    for name in "${fuzz_targets[@]}"; do
        fuzz_count "$name"
    done
}
close_fuzz() {
    local good=0 bad=0
    fuzz_count_all
    count fuzz "$good" "$bad" "$1"
}

fuzz_figures() { # TARGET: executions, inputs that reached something new, and how much of it is known
    sed -nE 's/^stat::number_of_executed_units: *//p; s/^stat::new_units_added: *//p; s/.* ft: ([0-9]+) .*/features \1/p' "$work/fuzz-$1.log" |
        awk -v name="$1" '$1 == "features" { known = $2; next } { figure[n++] = $1 }
            END { printf "    %-18s %10d executions %6d new inputs %6d features\n", name, figure[0], figure[1], known }'
}

soak_fuzz() { # [SECONDS]: of each target; what is found stays in build/fuzz/corpus, to go on from there
    local name
    fuzz_seconds=${1:-60}
    fuzz_corpora=$fuzz_folder/corpus
    [ -n "$work" ] || prepare_build ON
    fuzz_options=(-DDBPERF_FUZZ_FAST=ON)
    prepare_fuzz
    run some_at_once 2 2 fuzz_play "${fuzz_targets[@]}" || true # as many as there are cores
    fuzz_count_all
    for name in "$work"/fuzz-*.log; do
        [ ! -e "$name" ] || { name=${name##*/fuzz-} && fuzz_figures "${name%.log}"; }
    done
}
