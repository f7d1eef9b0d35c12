# Splits topic files into statements, comments between them dropped: calls finish() for each, which finds it in `statement`.
statement == "" && /^(--.*)?$/ { next }
{
    statement = statement $0 "\n"
    code = in_text ? "'" $0 : $0
    gsub(/'[^']*'/, "text", code) # what is left has no text but one that goes on in the next line
    if (code !~ /'.*--/) sub(/ *--.*$/, "", code)
    in_text = code ~ /'/
    if (body == "dollars") { if ($0 ~ /^\$\$.*;$/) end_of_statement(); next }
    if (body == "atomic") { if ($0 == "END;") end_of_statement(); next }
    if (in_text) next
    if (code ~ /\$\$$/) body = "dollars"
    else if (code == "BEGIN ATOMIC") body = "atomic"
    else if (code ~ /;$/) end_of_statement()
}
END { if (statement != "") { print "a statement has no end: " statement > "/dev/stderr"; exit 1 } }

function end_of_statement() {
    finish()
    statement = body = ""
    in_text = 0
}
