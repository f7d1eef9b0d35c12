package dbperf_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	_ "github.com/lib/pq"

	dbperf "dbperf.dev/integrations/go"
	"dbperf.dev/integrations/go/pgxdb"
)

const template = "adapter_go"

func TestMain(m *testing.M) {
	psql := func(database, script string) {
		command := exec.Command("psql", "-qXv", "ON_ERROR_STOP=1", "-d", database)
		command.Stdin = strings.NewReader(script)
		if output, err := command.CombinedOutput(); err != nil {
			fmt.Println(string(output))
			os.Exit(1)
		}
	}
	psql("postgres", "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS dbperf; DROP DATABASE IF EXISTS adapter_go; CREATE DATABASE adapter_go")
	psql(template, `CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
		CREATE TABLE purchase (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, note text);
		INSERT INTO customer (name) SELECT 'customer ' || i FROM generate_series(1, 8) i;
		INSERT INTO purchase (customer_id) SELECT i FROM generate_series(1, 8) i;`)
	os.Exit(m.Run())
}

// A test that records instead of failing.
type recorder struct {
	testing.TB
	name     string
	errors   []string
	logs     []string
	cleanups []func()
}

func (r *recorder) Name() string     { return r.name }
func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...interface{}) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...interface{}) { r.Errorf(format, args...); panic(r) }
func (r *recorder) Skipf(format string, args ...interface{}) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
	panic(r)
}
func (r *recorder) Logf(format string, args ...interface{}) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

func run(name string, body func(t testing.TB)) *recorder {
	r := &recorder{name: name}
	func() {
		defer func() {
			if problem := recover(); problem != nil && problem != r {
				panic(problem)
			}
		}()
		body(r)
	}()
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
	return r
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...interface{}) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...interface{}) *sql.Row
}

func customers(t testing.TB, ctx context.Context, db queryer) []int {
	rows, err := db.QueryContext(ctx, "SELECT customer_id FROM purchase ORDER BY id")
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer rows.Close()
	var list []int
	for rows.Next() {
		var id int
		rows.Scan(&id)
		list = append(list, id)
	}
	return list
}

func names(t testing.TB, ctx context.Context, db queryer) {
	for _, id := range customers(t, ctx, db) {
		var name string
		if err := db.QueryRowContext(ctx, "SELECT name FROM customer WHERE id = $1", id).Scan(&name); err != nil {
			t.Fatalf("%v", err)
		}
	}
}

func namesAtOnce(t testing.TB, db *dbperf.DB) {
	if _, err := db.Exec("SELECT name FROM customer JOIN purchase ON customer_id = customer.id"); err != nil {
		t.Fatalf("%v", err)
	}
}

func count(db *dbperf.DB, table string) (n int) {
	db.QueryRow("SELECT count(*) FROM " + table).Scan(&n)
	return
}

var background = context.Background()

func expect(t *testing.T, r *recorder, parts ...string) {
	t.Helper()
	text := strings.Join(append(r.errors, r.logs...), "\n")
	if len(parts) == 0 && len(r.errors) > 0 {
		t.Errorf("red: %s", text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %s", part, text)
		}
	}
}

func TestVerdicts(t *testing.T) {
	expect(t, run("TestRed", func(t testing.TB) { names(t, background, dbperf.New(t, template)) }),
		"dbperf_test.go:102: N+1: 8 executions of one statement, 8 different keys", "key        purchase.customer_id -> customer.id", "in         TestRed")
	expect(t, run("TestGreen", func(t testing.TB) {
		db := dbperf.New(t, template)
		namesAtOnce(t, db)
		db.Exec("INSERT INTO customer (name) VALUES ('new')")
	}))
	expect(t, run("TestClean", func(t testing.TB) {
		if n := count(dbperf.New(t, template), "customer"); n != 8 {
			t.Errorf("%d", n)
		}
	}))
	expect(t, run("TestPaused", func(t testing.TB) {
		db := dbperf.New(t, template)
		db.Pause(func() { names(t, background, db) })
	}))
	expect(t, run("TestAllowed", func(t testing.TB) {
		db := dbperf.New(t, template)
		db.AllowNPlusOne("customer.id", "basket")
		names(t, background, db)
	}), `AllowNPlusOne("basket") of TestAllowed is not needed any more`)
	expect(t, run("TestMany", func(t testing.TB) {
		db := dbperf.New(t, template)
		db.MaxStatements(2)
		for i := 0; i < 3; i++ {
			namesAtOnce(t, db)
		}
	}), "dbperf_test.go:109: 3 statements, at most 2 are allowed")
	expect(t, run(`Test/it's_\"*/#1`+strings.Repeat("x", 200), func(t testing.TB) {
		db := dbperf.New(t, template)
		db.Check(t, `GET /it's \ */ "#1"`, 0, func() { names(t, background, db) })
	}), `in         GET /it's \ */ "#1"`)
	expect(t, run("TestRequest", func(t testing.TB) {
		db := dbperf.New(t, template)
		handler := db.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { names(t, r.Context(), db) }))
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/purchases?x=1", nil))
	}), "in         GET /purchases\n"[:25], "8 executions")
}

func TestTransactions(t *testing.T) {
	expect(t, run("TestRolledBack", func(t testing.TB) {
		db := dbperf.New(t, template)
		for i := 0; i < 2; i++ {
			tx, _ := db.Begin()
			tx.Exec("SAVEPOINT a")
			tx.Exec("SELECT 1 / 0")
			tx.Exec("ROLLBACK TO SAVEPOINT a")
			tx.Rollback()
		}
		tx, _ := db.Begin()
		names(t, background, tx)
		tx.Rollback()
	}), "N+1: 8 executions")
	expect(t, run("TestOpen", func(t testing.TB) {
		tx, _ := dbperf.New(t, template).Begin()
		tx.Exec("DELETE FROM purchase")
	}))
	expect(t, run("TestSchema", func(t testing.TB) {
		db := dbperf.New(t, template)
		if count(db, "purchase") != 8 {
			t.Errorf("not clean")
		}
		db.Exec("ALTER TABLE purchase ADD more int")
	}))
	expect(t, run("TestAfterSchema", func(t testing.TB) {
		db := dbperf.New(t, template)
		if err := db.QueryRow("SELECT more FROM purchase").Scan(new(int)); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("%v", err)
		}
	}))
	expect(t, run("TestPrepared", func(t testing.TB) {
		db := dbperf.New(t, template)
		statement, err := db.Prepare("SELECT note FROM purchase WHERE id = $1")
		if err != nil {
			t.Fatalf("%v", err)
		}
		defer statement.Close()
		for _, id := range customers(t, background, db) {
			statement.QueryRow(id).Scan(new(sql.NullString))
		}
	}), "dbperf_test.go:213: N+1: 8 executions")
	expect(t, run("TestCommented", func(t testing.TB) {
		db := dbperf.New(t, template)
		for _, id := range customers(t, background, db) {
			db.QueryRow("SELECT note FROM purchase WHERE id = $1 /*action='it%27s'*/;", id).Scan(new(sql.NullString))
		}
	}), "dbperf_test.go:219: N+1: 8 executions")
}

func TestPgx(t *testing.T) {
	expect(t, run("TestPool", func(t testing.TB) {
		db := pgxdb.New(t, template)
		rows, err := db.Query(background, "SELECT customer_id FROM purchase")
		if err != nil {
			t.Fatalf("%v", err)
		}
		var ids []int
		for rows.Next() {
			var id int
			rows.Scan(&id)
			ids = append(ids, id)
		}
		tx, _ := db.Begin(background)
		for _, id := range ids {
			tx.QueryRow(background, "SELECT name FROM customer WHERE id = $1", id).Scan(new(string))
		}
		tx.Rollback(background)
	}), "dbperf_test.go:239: N+1: 8 executions")
	expect(t, run("TestPoolGreen", func(t testing.TB) {
		db := pgxdb.New(t, template)
		db.Exec(background, "DELETE FROM purchase")
		var n int
		if err := db.QueryRow(background, "SELECT count(*) FROM purchase").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d %v", n, err)
		}
	}))
}

func TestWrongServer(t *testing.T) {
	expect(t, run("TestMissing", func(t testing.TB) { dbperf.New(t, template, dbperf.Home("template1")) }), "dbperf: database template1 has no extension dbperf")
	r := run("TestSkipped", func(t testing.TB) { dbperf.New(t, template, dbperf.Home("template1"), dbperf.SkipIfMissing()) })
	if len(r.errors) > 0 || len(r.logs) != 1 {
		t.Errorf("%v %v", r.errors, r.logs)
	}
}

func TestParallel(t *testing.T) {
	for i := 0; i < 8; i++ {
		t.Run("test", func(t *testing.T) {
			t.Parallel()
			for j := 0; j < 3; j++ {
				expect(t, run("TestParallel", func(t testing.TB) {
					db := dbperf.New(t, template)
					db.Exec("INSERT INTO customer (name) VALUES ('new')")
					if count(db, "customer") != 9 {
						t.Errorf("not clean")
					}
					names(t, background, db)
				}), "N+1: 8 executions")
			}
		})
	}
}
