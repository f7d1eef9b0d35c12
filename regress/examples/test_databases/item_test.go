// Go: database/sql and pq, one database for the package, clean for every test.
package item

import (
	"database/sql"
	"log"
	"os"
	"testing"

	_ "github.com/lib/pq"
)

var (
	home *sql.DB // the lease lasts as long as its one connection
	db   *sql.DB
	name string
)

func open(database string) *sql.DB {
	opened, err := sql.Open("postgres", "sslmode=disable dbname="+database)
	if err != nil {
		log.Fatal(err)
	}
	opened.SetMaxOpenConns(1)
	return opened
}

func value(from *sql.DB, result any, query string, arguments ...any) {
	if err := from.QueryRow(query, arguments...).Scan(result); err != nil {
		log.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	template := os.Getenv("TEMPLATE")
	if template == "" {
		template = "app"
	}
	home = open("postgres")
	value(home, &name, "SELECT dbperf.acquire_database($1)", template)
	db = open(name)
	os.Exit(m.Run())
}

func clean(t *testing.T) {
	t.Cleanup(func() {
		var now string
		value(db, &now, "SELECT dbperf.reset_database()")
		if now != name { // more than rows was changed
			db.Close()
			name, db = now, open(now)
		}
	})
}

func TestRows(t *testing.T) {
	for round := 0; round < 3; round++ {
		t.Run("round", func(t *testing.T) {
			clean(t)
			var id int
			value(db, &id, "INSERT INTO item (name) VALUES ($1) RETURNING id", "new")
			if id != 4 {
				t.Fatal("not clean")
			}
		})
	}
}

func TestSchema(t *testing.T) {
	for round := 0; round < 2; round++ {
		t.Run("round", func(t *testing.T) {
			clean(t)
			if _, err := db.Exec("CREATE TABLE more (a int)"); err != nil {
				t.Fatal(err)
			}
		})
	}
}
