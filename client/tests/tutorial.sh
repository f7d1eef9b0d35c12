# docs/tutorial.md, played from the first command to the last: what it shows is what happens, but for numbers.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
root=$here/../..
cp -r "$root/migrations" "$root/benchmarks" .
start_server
word() { tr ' ' '\n' <<<"$server" | sed -n "s/^$1=//p"; }
unset DBPERF_DATABASE_URL
unset -f dbperf # the commands of the page are those of a shell
export PGHOST=$(word host) PGPORT=$(word port) PGUSER=$(word user) PGDATABASE=shop
PATH=$(dirname "$DBPERF"):$("$PG_CONFIG" --bindir):$PATH

# The blocks of the page as files 01.sh, 02.console, ...; a script or setting has its name from the text before it.
mkdir blocks
awk '
    /^```/ { if (kind != "") { kind = ""; close(file) } else { kind = substr($0, 4); file = sprintf("blocks/%02d.%s", ++number, kind); name = last } next }
    kind != "" { if (lines[file]++ == 0 && (/^#!/ || kind == "toml")) print name >(file ".name"); print >file; next }
    match($0, /`[a-z_]+\.(sh|toml)`/) { last = substr($0, RSTART + 1, RLENGTH - 2) }' "$root/docs/tutorial.md"

# Numbers (but exit codes) and names of runs differ; so do lines with times, and what a server says of itself.
plain() { sed -E '/^[0-9]$/b; s/run-[0-9a-f@-]+/RUN/g; s/[0-9]+([.,][0-9]+)*/N/g; s/[-+]{2,}/-/g; s/[[:space:]]+/ /g; s/^ | $//g' | grep -vE '(^| )N (ms|s)\b|^(ok (server|recorder)|\.\.\.$|$)' | sed 's/ N [kM]\?B$//'; }

play() { # FILE: each command of a console block, with what it shows
    local file=$1 command shown
    while IFS= read -r -d $'\x1e' command && IFS= read -r -d $'\x1e' shown; do
        case $command in "dbperf server "*) continue ;; esac
        eval "$command" >"$work/out" 2>"$work/err"
        status=$?
        plain <"$work/out" >"$work/plain"
        plain <<<"$shown" | grep -vxFf "$work/plain" >"$work/missing" && sed 's/^/# not shown: /' "$work/missing"
        ok "${command//$'\n'/ }" [ ! -s "$work/missing" ]
    done < <(awk -v ORS= '
        function flush() { if (command != "") print command "\x1e" shown "\x1e"; command = shown = "" }
        /^\$ / { flush(); command = substr($0, 3); open = gsub(/"/, "\"", command) % 2; next }
        open { command = command "\n" $0; text = $0; open = (open + gsub(/"/, "", text)) % 2; next }
        { shown = shown $0 "\n" }
        END { flush() }' "$file")
}

for file in blocks/*; do
    case $file in
        *.name) ;;
        *.console) play "$file" ;;
        *)
            if [ -e "$file.name" ]; then
                cp "$file" "$(cat "$file.name")"
                [[ $file != *.sh ]] || chmod +x "$(cat "$file.name")"
            elif ! grep -qE 'apt-get|PGHOST|server stop' "$file"; then
                bash -euo pipefail "$file" >"$work/out" 2>"$work/err"
                status=$?
                ok "$(tail -n 1 "$file")" ended_with 0
            fi
            ;;
    esac
done

done_testing
