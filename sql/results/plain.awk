# Takes from topic files what a server without the module can have: want=tables gives CREATE TABLE, want=rest all else but
# the names in skip. A C function named in stubs becomes one that knows nothing (no rows, null), any other is left out.
# Comments between statements are dropped. There is nothing outside runs, so joins to them need not be outer ones.
BEGIN {
    split(skip, list, " "); for (i in list) is_skipped[list[i]] = 1
    split(stubs, list, " "); for (i in list) is_stub[list[i]] = 1
}
statement == "" && /^(--.*)?$/ { next }
{
    statement = statement $0 "\n"
    code = in_text ? "'" $0 : $0
    gsub(/'[^']*'/, "text", code) # what is left has no text but one that goes on in the next line
    if (code !~ /'.*--/) sub(/ *--.*$/, "", code)
    in_text = code ~ /'/
    if (body == "dollars") { if ($0 ~ /^\$\$.*;$/) finish(); next }
    if (body == "atomic") { if ($0 == "END;") finish(); next }
    if (in_text) next
    if (code ~ /\$\$$/) body = "dollars"
    else if (code == "BEGIN ATOMIC") body = "atomic"
    else if (code ~ /;$/) finish()
}
END { if (statement != "") { print "plain.awk: a statement has no end: " statement > "/dev/stderr"; exit 1 } }

function finish(    name) {
    name = statement; sub(/^[^.]*dbperf\./, "", name); sub(/[^a-z_0-9].*$/, "", name)
    if (statement ~ /^CREATE TABLE /) {
        if (want == "tables") printf "%s", statement
    } else if (want == "rest" && !(statement ~ /^(CREATE|COMMENT ON) [A-Z]+ dbperf\./ && name in is_skipped)) {
        if (statement ~ /MODULE_PATHNAME/) {
            if (name in is_stub) printf "%s", stub(statement)
            is_skipped[name] = 1 # and with it its comment
        } else {
            gsub(/LEFT JOIN dbperf\.run r /, "JOIN dbperf.run r ", statement)
            printf "%s", statement
        }
    }
    statement = body = ""
    in_text = 0
}

function stub(text,    result) {
    result = text ~ /RETURNS (SETOF )?record/ ? "" : " NULL"
    sub(/AS 'MODULE_PATHNAME'.*$/, "LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN" result "; END $$;\n", text)
    return text
}
