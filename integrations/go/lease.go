package dbperf

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
)

// A leased copy, and what is connected to it. Sessions are used again by the next test, so that nothing is opened for each.
type session struct {
	config   config
	template string
	name     string
	home     *sql.Conn // the lease lasts as long as this connection
	inside   *sql.DB   // resets the copy and asks what was found: one connection
	pool     *sql.DB   // the test's
	observer *Observer
	opened   *connector
	mark     string
}

var (
	mutex sync.Mutex
	free  = map[string][]*session{}
	homes = map[config]*sql.DB{}
)

func take(c config, template string) (*session, error) {
	key := fmt.Sprint(c, template)
	mutex.Lock()
	if list := free[key]; len(list) > 0 {
		s := list[len(list)-1]
		free[key] = list[:len(list)-1]
		mutex.Unlock()
		return s, nil
	}
	mutex.Unlock()
	home, err := openHome(c)
	if err != nil {
		return nil, err
	}
	s := &session{config: c, template: template, home: home, observer: &Observer{}}
	if err := home.QueryRowContext(context.Background(), "SELECT dbperf.acquire_database($1)", template).Scan(&s.name); err != nil {
		home.Close()
		return nil, fmt.Errorf("no copy of %s: %w", template, err)
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *session) open() error {
	inside, err := connectorOf(s.config, s.name)
	if err != nil {
		return err
	}
	s.inside = sql.OpenDB(inside)
	s.inside.SetMaxOpenConns(1)
	application, err := connectorOf(s.config, s.name)
	if err != nil {
		return err
	}
	s.opened = &connector{Connector: application, observer: s.observer}
	s.pool = sql.OpenDB(s.opened)
	_, err = s.inside.Exec("SET dbperf.n_plus_one = off")
	if err == nil {
		err = s.inside.QueryRow("SELECT clock_timestamp()::text").Scan(&s.mark)
	}
	return err
}

func (s *session) findings(units []string) ([]Finding, error) {
	rows, err := s.inside.Query(FindingsQuery, ArrayOf(units), s.mark)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Finding
	for rows.Next() {
		var f Finding
		if err := rows.Scan(f.Fields()...); err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, rows.Err()
}

// The copy is put back. With a transaction still open, or a copy that was replaced, its connections end.
func (s *session) giveBack() error {
	if s.observer.touched {
		s.observer.touched = false
		isOpen := s.opened.inTransaction()
		if isOpen {
			s.opened.closeAll()
		}
		name := s.name
		if err := s.inside.QueryRow("SELECT dbperf.reset_database(), clock_timestamp()::text").Scan(&name, &s.mark); err != nil {
			s.home.Close()
			return err
		}
		if name != s.name || isOpen {
			s.name = name
			s.opened.closeAll()
			s.pool.Close()
			s.inside.Close()
			if err := s.open(); err != nil {
				return err
			}
		}
	}
	mutex.Lock()
	defer mutex.Unlock()
	key := fmt.Sprint(s.config, s.template)
	free[key] = append(free[key], s)
	return nil
}

// A connection to a server that can do what is needed.
func openHome(c config) (*sql.Conn, error) {
	mutex.Lock()
	db := homes[c]
	if db == nil {
		opened, err := connectorOf(c, c.home)
		if err != nil {
			mutex.Unlock()
			return nil, err
		}
		db = sql.OpenDB(opened)
		homes[c] = db
	}
	mutex.Unlock()
	home, err := db.Conn(context.Background())
	if err != nil {
		return nil, fmt.Errorf("cannot connect to database %s: %w", c.home, err)
	}
	var databases, enabled, version sql.NullString
	var complete bool
	err = home.QueryRowContext(context.Background(), `SELECT current_setting('dbperf.max_test_databases', true), current_setting('dbperf.enabled', true),
 (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'dbperf'),
 pg_catalog.to_regprocedure('dbperf.unit_findings(text, timestamp with time zone)') IS NOT NULL`).Scan(&databases, &enabled, &version, &complete)
	switch {
	case err != nil:
	case !databases.Valid:
		err = errors.New("the server has not loaded dbperf (hint: shared_preload_libraries = 'dbperf', then restart)")
	case !version.Valid:
		err = fmt.Errorf("database %s has no extension dbperf (hint: CREATE EXTENSION dbperf)", c.home)
	case !complete:
		err = fmt.Errorf("dbperf %s in database %s is too old (hint: ALTER EXTENSION dbperf UPDATE)", version.String, c.home)
	case databases.String == "0":
		err = errors.New("test databases are switched off (hint: dbperf.max_test_databases is 0)")
	case enabled.String != "on":
		err = errors.New("the server observes nothing (hint: dbperf.enabled is off)")
	}
	if err != nil {
		home.Close()
		return nil, err
	}
	return home, nil
}

// DSNOf is the connection string with this database.
func DSNOf(dsn, database string) string {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		if parsed, err := url.Parse(dsn); err == nil {
			parsed.Path = "/" + database
			return parsed.String()
		}
	}
	if dsn == "" && os.Getenv("PGSSLMODE") == "" {
		dsn = "sslmode=disable"
	}
	return dsn + " dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(database) + "'"
}

func connectorOf(c config, database string) (driver.Connector, error) {
	name := c.driver
	for _, each := range sql.Drivers() {
		if name == "" && (each == "pgx" || each == "postgres") {
			name = each
		}
	}
	if name == "" {
		return nil, errors.New("no driver (hint: import github.com/lib/pq or github.com/jackc/pgx/v4/stdlib)")
	}
	dsn := DSNOf(c.dsn, database)
	db, err := sql.Open(name, dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if with, ok := db.Driver().(driver.DriverContext); ok {
		return with.OpenConnector(dsn)
	}
	return plainConnector{db.Driver(), dsn}, nil
}

type plainConnector struct {
	driver driver.Driver
	dsn    string
}

func (c plainConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c plainConnector) Driver() driver.Driver                        { return c.driver }
