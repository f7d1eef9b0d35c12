# completion and man: what the shells really offer, the manual page by its linters, and both where the installation puts them.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
PATH=$(dirname "$DBPERF"):$PATH

for shell in bash zsh fish; do
    dbperf completion "$shell"
    ok "$shell: a script" eval 'ended_with 0 && silent && said "^#"'
    cp "$work/out" "completion.$shell"
done
dbperf completion tcsh
failed_with "a shell that is not known" 2 'unexpected: tcsh|SUBCOMMAND|subcommand'
dbperf completion
ok "no shell: exit 2" ended_with 2
printf '[check]\nno such key' >dbperf.toml
dbperf completion bash
ok "a wrong project file does not matter" ended_with 0
rm dbperf.toml

# WORD...: what a fresh bash has in COMPREPLY for the last word, sorted, on one line. "=" is a word there.
asked() {
    bash --norc -c 'source ./completion.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _dbperf; printf "%s\n" "${COMPREPLY[@]}" | LC_ALL=C sort | tr "\n" " "' _ "$@"
}
answers() { local expected=$1; shift; asked "$@" >"$work/out"; grep -qx -- "$expected" "$work/out"; } # REGEX WORD...
touch query.sql 'with space.sql'
ok "bash: no word but those of the program, and it is registered" eval '[ "$(bash --norc -c "source ./completion.bash; complete -p dbperf")" = "complete -F _dbperf dbperf" ]'
ok "bash: commands" answers 'check collect compare completion ' dbperf c
ok "bash: every command of the help" eval '[ "$(asked dbperf "" | tr " " "\n" | grep -c .)" = "$("$DBPERF" --help | sed -n "/^Subcommands:/,/^$/p" | grep -c "^  ")" ]'
ok "bash: options of a command" answers '--label ' dbperf check --la
ok "bash: with those of all" answers '--color --config ' dbperf check --co
ok "bash: and no other's" answers ' ' dbperf check --migr
ok "bash: choices" answers 'always auto never ' dbperf check --color ''
ok "bash: choices after =" answers 'always ' dbperf --color = al
ok "bash: choices of this command" answers 'markdown ' dbperf advise --format m
ok "bash: nothing for a label" answers ' ' dbperf check --label ''
ok "bash: files" answers 'query.sql ' dbperf compare --migration q
ok "bash: a file behind =" answers 'with space.sql ' dbperf check --report html = w
ok "bash: a file as argument" answers 'query.sql ' dbperf deadlock q
ok "bash: actions" answers 'export import ' dbperf baseline ''
ok "bash: options of an action" answers '--label ' dbperf baseline import --l
ok "bash: a value is no command" answers '--run ' dbperf --dbname run check --ru
ok "bash: a command after --" answers 'dbperf ' dbperf run -- dbper
ok "bash: -- where a command may follow" answers '--write-baseline ' dbperf check --w
ok "bash: no command where none may" answers ' ' dbperf report -- dbper
ok "bash: words of a hostile folder are words" eval 'touch "\$(touch ran)"; answers ".*touch ran.*" dbperf compare --migration "\$" && [ ! -e ran ]'

if command -v shellcheck >/dev/null; then
    ok "bash: shellcheck" shellcheck --shell=bash completion.bash
fi
if command -v fish >/dev/null; then
    in_fish() { HOME=$work XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work fish --no-config -c "source completion.fish; complete -C '$2'" 2>&1 | cut -f1 | LC_ALL=C sort | tr '\n' ' ' >"$work/out"; grep -qx -- "$1" "$work/out"; }
    ok "fish: syntax" fish --no-execute completion.fish
    ok "fish: commands" in_fish 'check collect compare completion ' 'dbperf c'
    ok "fish: options of a command" in_fish '--label ' 'dbperf check --la'
    ok "fish: choices" in_fish 'always auto never ' 'dbperf check --color '
    ok "fish: files" in_fish 'query.sql ' 'dbperf compare --migration q'
    ok "fish: actions" in_fish 'export import ' 'dbperf baseline '
    ok "fish: export is an action here" in_fish '--output ' 'dbperf baseline export --o'
    ok "fish: a value is no command" in_fish '--run ' 'dbperf --dbname run check --ru'
    ok "fish: a command after --" in_fish 'dbperf ' 'dbperf run -- dbper'
else
    skip "fish" "no fish"
fi
if command -v zsh >/dev/null; then
    ok "zsh: syntax" zsh -n completion.zsh
    mkdir functions && cp completion.zsh functions/_dbperf
    # A terminal is needed: what it shows after a tab.
    cat >ask.zsh <<'END'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PROMPT=; COLUMNS=300; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; zstyle ":completion:*" list-colors; zle-line-init() { print -n re""ady }; zle -N zle-line-init'
zpty -r -m shell seen '*ready*'
zpty -w -n shell "$1"$'\t'
for try in {1..100}; do
    sleep 0.1
    while zpty -r -t shell seen; do print -rn -- "$seen"; done | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' >>shown
    grep -qE -- "$2" shown && exit 0
done
exit 1
END
    in_zsh() { rm -f shown; HOME=$work zsh -f ask.zsh "$2" "$1" >/dev/null 2>&1; local found=$?; cp shown "$work/out"; return "$found"; }
    ok "zsh: commands" in_zsh 'collect +-- fetch the runs' 'dbperf c'
    ok "zsh: options of a command" in_zsh 'check --label' 'dbperf check --la'
    ok "zsh: choices of this command" in_zsh 'json +markdown +text' 'dbperf advise --format '
    ok "zsh: choices" in_zsh 'always +auto +never' 'dbperf check --color '
    ok "zsh: files" in_zsh 'compare --migration query.sql' 'dbperf compare --migration q'
    ok "zsh: actions" in_zsh 'export +-- write a stored run' 'dbperf baseline '
    ok "zsh: options of an action" in_zsh 'import --label' 'dbperf baseline import --la'
    ok "zsh: a value is no command" in_zsh 'check --run' 'dbperf --dbname run check --ru'
    ok "zsh: a command after --" in_zsh 'run -- dbperf' 'dbperf run -- dbper'
else
    skip "zsh" "no zsh"
fi

dbperf man
ok "man: a page" eval 'ended_with 0 && silent && said "^\.TH DBPERF 1 "'
cp "$work/out" dbperf.1
rendered() { MANWIDTH=200 man -l dbperf.1 2>"$work/err" | col -b; }
if command -v man >/dev/null; then
    rendered >"$work/out"
    ok "man: nothing to complain of" silent
    ok "man: an option with its value" said '^ +--baseline LABEL\|FILE$'
    ok "man: the lines of usage" said '^ +dbperf check \[OPTIONS\] -- COMMAND\.\.\.$'
    LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z dbperf.1 >/dev/null 2>"$work/err"
    ok "man: groff has no warning" silent
    ok "man: every command has its section" eval '[ "$("$DBPERF" --help | sed -n "/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p" | sort)" = "$(sed -n "/^\.SH COMMANDS/,/^\.SH EXIT/s/^\.SS //p" dbperf.1 | sort)" ]'
else
    skip "man: rendered" "no man-db"
fi
if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning dbperf.1 >"$work/out" 2>&1 # a date would make each build another one
    ok "man: mandoc has no warning" eval '! grep -v "missing date" "$work/out"'
else
    skip "man: mandoc" "no mandoc"
fi

done_testing
