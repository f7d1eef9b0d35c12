# Of topic files all but what is stored: that is there already. Beside statements.awk, which splits.
function finish() {
    if (statement !~ /^(CREATE (TABLE|SCHEMA|SEQUENCE|(UNIQUE )?INDEX)|ALTER TABLE|INSERT) /)
        printf "%s", statement
}
