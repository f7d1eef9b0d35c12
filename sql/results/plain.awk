# Takes from topic files what a server without the module can have: want=tables gives CREATE TABLE, want=rest all else but
# the names in skip. Beside statements.awk, which splits. A C function named in stubs becomes one that knows nothing (no rows, null), any other is skipped.
# Comments between statements are dropped. There is nothing outside runs, so joins to them need not be outer ones.
BEGIN {
    split(skip, list, " "); for (i in list) is_skipped[list[i]] = 1
    split(stubs, list, " "); for (i in list) is_stub[list[i]] = 1
}
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
}

function stub(text,    result) {
    result = text ~ /RETURNS (SETOF )?record/ ? "" : " NULL"
    sub(/AS 'MODULE_PATHNAME'.*$/, "LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN" result "; END $$;\n", text)
    return text
}
