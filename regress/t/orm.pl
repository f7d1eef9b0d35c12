# Object-relational mappers as they come: what they load lazily is proven to be N+1, what they load eagerly is not found.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('orm');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\n");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION dbperf;
    CREATE TABLE author (id int PRIMARY KEY, name text);
    INSERT INTO author SELECT 1000 + i, 'author ' || i FROM generate_series(1, 20) i;
    CREATE TABLE book (id int PRIMARY KEY, author_id int NOT NULL REFERENCES author, title text);
    INSERT INTO book SELECT 50000 + i, 1001 + i % 20, 'book ' || i FROM generate_series(0, 59) i;
    CREATE INDEX ON book (author_id);
    ANALYZE});
my $dir = PostgreSQL::Test::Utils::tempdir;

# What a program's run has: gating findings, one a line.
sub found_by {
    my ($label, @command) = @_;
    $node->safe_psql('postgres', qq{SELECT dbperf.start_run('$label')});
    local $ENV{PGHOST} = $node->host;
    local $ENV{PGPORT} = $node->port;
    local $ENV{PGDATABASE} = 'postgres';
    local $ENV{PGUSER} = getpwuid $<;
    my ($out, $err) = run_command(\@command);
    is($out, '60', "$label: the program read every book") or diag $err;
    # The last of a backend is told when it ends, shortly after its client.
    $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
    $node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
    return $node->safe_psql('postgres', qq{SELECT concat_ws(' ', kind, confidence, key_column, parent_relation || '.' || parent_column, calls)
        FROM dbperf.n_plus_one WHERE run = '$label' AND confidence <> 'possible' ORDER BY 1});
}

SKIP: {
    my ($python) = grep { defined && system("$_ -c 'import sqlalchemy, psycopg2' 2>/dev/null") == 0 } '/usr/bin/python3', 'python3';
    skip 'there is no SQLAlchemy: install python3-sqlalchemy and python3-psycopg2', 1 unless $python;
    append_to_file("$dir/shop.py", <<'END_OF_PYTHON');
import sys
from sqlalchemy import Column, ForeignKey, Integer, Text, create_engine
from sqlalchemy.orm import Session, declarative_base, joinedload, relationship, selectinload
Base = declarative_base()
class Author(Base):
    __tablename__ = "author"
    id = Column(Integer, primary_key=True)
    name = Column(Text)
    books = relationship("Book", back_populates="author")
class Book(Base):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
    author_id = Column(Integer, ForeignKey("author.id"))
    title = Column(Text)
    author = relationship("Author", back_populates="books")
how, autocommit = sys.argv[1:]
engine = create_engine("postgresql+psycopg2://", **({"isolation_level": "AUTOCOMMIT"} if autocommit == "autocommit" else {}))
with Session(engine) as session:
    if how == "many to one":
        print(len([book.author.name for book in session.query(Book).order_by(Book.id)]), end="")
    else:
        authors = session.query(Author).order_by(Author.id)
        if how != "lazy":
            authors = authors.options({"selectin": selectinload, "joined": joinedload}[how](Author.books))
        print(sum(len(author.books) for author in authors), end="")
END_OF_PYTHON
    for my $mode ('transaction', 'autocommit') {
        is(found_by("SQLAlchemy lazy $mode", $python, "$dir/shop.py", 'lazy', $mode),
            'n_plus_one proven book.author_id public.author.id 20', "SQLAlchemy, lazy, $mode: proven");
        # The identity map asks for each author once.
        is(found_by("SQLAlchemy many to one $mode", $python, "$dir/shop.py", 'many to one', $mode),
            'n_plus_one proven author.id public.book.author_id 20', "SQLAlchemy, many to one, $mode: proven");
        for my $how ('selectin', 'joined') {
            is(found_by("SQLAlchemy $how $mode", $python, "$dir/shop.py", $how, $mode), '', "SQLAlchemy, $how, $mode: nothing");
        }
    }
}

SKIP: {
    my $has_pg = system(q{node -e 'require("pg")' 2>/dev/null}) == 0;
    skip 'node has no pg: install node-pg, or npm for ./dev to get it', 1 unless $has_pg;
    append_to_file("$dir/shop.js", <<'END_OF_JAVASCRIPT');
const { Pool } = require("pg");
const [how, size] = process.argv.slice(2);
(async () => {
    const pool = new Pool({ max: Number(size) });
    // As a server that is up: the connections are there before the request.
    await Promise.all(Array.from({ length: Number(size) }, () => pool.query("SELECT pg_sleep(0.1)")));
    const authors = (await pool.query("SELECT id, name FROM author ORDER BY id")).rows;
    let books = 0;
    if (how === "at once")
        for (const result of await Promise.all(authors.map(a => pool.query("SELECT id, title FROM book WHERE author_id = $1", [a.id]))))
            books += result.rows.length;
    else if (how === "one by one")
        for (const author of authors)
            books += (await pool.query("SELECT id, title FROM book WHERE author_id = $1", [author.id])).rows.length;
    else
        books = (await pool.query("SELECT id, title FROM book WHERE author_id = ANY ($1)", [authors.map(a => a.id)])).rows.length;
    process.stdout.write(String(books));
    await pool.end();
})();
END_OF_JAVASCRIPT
    for my $size (1, 10) {
        for my $how ('one by one', 'at once') {
            is(found_by("node $how $size", 'node', "$dir/shop.js", $how, $size),
                'n_plus_one proven book.author_id public.author.id 20', "node pg, $how, $size connections: proven");
        }
        is(found_by("node list $size", 'node', "$dir/shop.js", 'list', $size), '', "node pg, one list, $size connections: nothing");
    }
}

$node->stop;
done_testing();
