// Package dbperf gives a test a clean database, and fails it at the line of its N+1.
package dbperf

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"testing"
)

// An Option of New.
type Option func(*config)

type config struct{ home, dsn, driver, missing string }

// Home is a database with the extension; without it "postgres".
func Home(database string) Option { return func(c *config) { c.home = database } }

// DSN is a connection string, a URL or key=value pairs; its database does not matter. Without it the PG* variables say where the server is.
func DSN(dsn string) Option { return func(c *config) { c.dsn = dsn } }

// Driver is the name of a registered driver of database/sql; without it the one of "pgx" and "postgres" that is there.
func Driver(name string) Option { return func(c *config) { c.driver = name } }

// SkipIfMissing skips the test on a server without dbperf; otherwise it fails.
func SkipIfMissing() Option { return func(c *config) { c.missing = "skip" } }

// DB is the database of one test: use it as the *sql.DB that it is. Do not close it.
type DB struct {
	*sql.DB
	*Observer
	session *session
}

// New leases a clean copy of the template for this test. When the test ends it is judged, and the copy is put back.
func New(t testing.TB, template string, options ...Option) *DB {
	t.Helper()
	c := config{home: "postgres", dsn: os.Getenv("DBPERF_DSN"), missing: os.Getenv("DBPERF_MISSING")}
	for _, option := range options {
		option(&c)
	}
	s, err := take(c, template)
	if err != nil {
		if c.missing == "skip" {
			t.Skipf("dbperf: %v", err)
		}
		t.Fatalf("dbperf: %v", err)
	}
	db := &DB{DB: s.pool, Observer: s.observer, session: s}
	db.begin(t.Name())
	t.Cleanup(func() {
		t.Helper()
		Judge(t, db.Observer, s.findings)
		if err := s.giveBack(); err != nil {
			t.Errorf("dbperf: %v", err)
		}
	})
	return db
}

// Name is that of the copy.
func (db *DB) Name() string { return db.session.name }

// Check is a block that is a unit of work of its own, judged by itself: its findings fail the test at once. maxStatements 0: any number.
func (db *DB) Check(t testing.TB, name string, maxStatements int, block func()) {
	t.Helper()
	text := db.check(name, maxStatements, db.session.findings, block)
	if text != "" {
		t.Errorf("\n%s", text)
	}
}

// Judge fails the test if its statements since it began are an N+1, or more than allowed. For drivers that are observed in other packages.
func Judge(t testing.TB, o *Observer, findings func([]string) ([]Finding, error)) {
	t.Helper()
	text, unneeded, err := o.end(findings)
	if err != nil {
		t.Errorf("dbperf: %v", err)
	}
	for _, what := range unneeded {
		t.Logf("dbperf: %s of %s is not needed any more", what, t.Name())
	}
	if text != "" {
		t.Errorf("\n%s", text)
	}
}

type unitKey struct{}

// WithUnit names the unit of work of statements with this context: a request, a job.
func (o *Observer) WithUnit(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, unitKey{}, o.newUnit(name))
}

// Handler makes each request a unit of work of its own.
func (o *Observer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(o.WithUnit(r.Context(), fmt.Sprintf("%s %s", r.Method, r.URL.Path))))
	})
}
