// Package pgxdb is package dbperf for pgx without database/sql.
package pgxdb

import (
	"context"
	"testing"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"

	dbperf "dbperf.dev/integrations/go"
)

// DB has the methods of *pgxpool.Pool that execute statements.
type DB struct {
	*dbperf.Observer
	Pool *pgxpool.Pool
	told map[*pgx.Conn]dbperf.Told
	lock chan struct{}
}

// New leases a clean copy of the template for this test, with a pool of pgx on it.
func New(t testing.TB, template string, options ...dbperf.Option) *DB {
	t.Helper()
	leased := dbperf.New(t, template, options...)
	config, err := pgxpool.ParseConfig(dbperf.DSNOf("", leased.Name()))
	if err != nil {
		t.Fatal(err)
	}
	db := &DB{Observer: leased.Observer, told: map[*pgx.Conn]dbperf.Told{}, lock: make(chan struct{}, 1)}
	if db.Pool, err = pgxpool.ConnectConfig(context.Background(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Pool.Close)
	return db
}

// The session is told of the unit before the statement.
func (db *DB) said(ctx context.Context, conn *pgx.Conn, text string) string {
	db.lock <- struct{}{}
	defer func() { <-db.lock }()
	tell, told := db.ToTell(ctx, db.told[conn])
	if tell != "" {
		// In an aborted transaction it fails, as what comes after it does.
		if _, err := conn.PgConn().Exec(ctx, tell).ReadAll(); err == nil {
			db.told[conn] = told
		}
	}
	if dbperf.RollsBack(text) {
		db.told[conn] = nil
	}
	text, _ = db.Observe(ctx, text, "", 1)
	return text
}

func (db *DB) forget(conn *pgx.Conn) {
	db.lock <- struct{}{}
	db.told[conn] = nil
	<-db.lock
}

// Exec as that of the pool.
func (db *DB) Exec(ctx context.Context, text string, args ...interface{}) (pgconn.CommandTag, error) {
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	return conn.Conn().Exec(ctx, db.said(ctx, conn.Conn(), text), args...)
}

// Query as that of the pool.
func (db *DB) Query(ctx context.Context, text string, args ...interface{}) (pgx.Rows, error) {
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Conn().Query(ctx, db.said(ctx, conn.Conn(), text), args...)
	if err != nil {
		conn.Release()
		return nil, err
	}
	return &poolRows{rows, conn}, nil
}

// QueryRow as that of the pool.
func (db *DB) QueryRow(ctx context.Context, text string, args ...interface{}) pgx.Row {
	rows, err := db.Query(ctx, text, args...)
	return row{rows, err}
}

// Begin as that of the pool.
func (db *DB) Begin(ctx context.Context) (pgx.Tx, error) {
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	db.said(ctx, conn.Conn(), "BEGIN")
	begun, err := conn.Begin(ctx)
	if err != nil {
		conn.Release()
		return nil, err
	}
	return &tx{begun, db, conn}, nil
}

type poolRows struct {
	pgx.Rows
	conn *pgxpool.Conn
}

func (r *poolRows) Close() {
	r.Rows.Close()
	if r.conn != nil {
		r.conn.Release()
		r.conn = nil
	}
}

func (r *poolRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

type row struct {
	pgx.Rows
	err error
}

func (r row) Scan(values ...interface{}) error {
	if r.err != nil {
		return r.err
	}
	defer r.Close()
	if !r.Next() {
		if err := r.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.Rows.Scan(values...); err != nil {
		return err
	}
	r.Close()
	return r.Err()
}

type tx struct {
	pgx.Tx
	db   *DB
	conn *pgxpool.Conn // nil: a savepoint
}

func (t *tx) Exec(ctx context.Context, text string, args ...interface{}) (pgconn.CommandTag, error) {
	return t.Tx.Exec(ctx, t.db.said(ctx, t.Conn(), text), args...)
}

func (t *tx) Query(ctx context.Context, text string, args ...interface{}) (pgx.Rows, error) {
	return t.Tx.Query(ctx, t.db.said(ctx, t.Conn(), text), args...)
}

func (t *tx) QueryRow(ctx context.Context, text string, args ...interface{}) pgx.Row {
	return t.Tx.QueryRow(ctx, t.db.said(ctx, t.Conn(), text), args...)
}

func (t *tx) Begin(ctx context.Context) (pgx.Tx, error) {
	begun, err := t.Tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &tx{begun, t.db, nil}, nil
}

func (t *tx) Commit(ctx context.Context) error {
	err := t.Tx.Commit(ctx)
	if err != nil {
		t.db.forget(t.Conn())
	}
	t.end()
	return err
}

func (t *tx) Rollback(ctx context.Context) error {
	t.db.forget(t.Conn())
	err := t.Tx.Rollback(ctx)
	t.end()
	return err
}

func (t *tx) end() {
	if t.conn != nil {
		t.conn.Release()
		t.conn = nil
	}
}
