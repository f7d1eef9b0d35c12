package dbperf

import (
	"context"
	"database/sql/driver"
	"sync"
)

// The driver of database/sql around the real one: each statement is observed, and the session told of its unit before it.
type connector struct {
	driver.Connector
	observer *Observer
	mutex    sync.Mutex
	conns    map[*conn]bool
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	real, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	opened := &conn{Conn: real, of: c}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.conns == nil {
		c.conns = map[*conn]bool{}
	}
	c.conns[opened] = true
	return opened, nil
}

func (c *connector) inTransaction() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for each := range c.conns {
		if each.open > 0 {
			return true
		}
	}
	return false
}

func (c *connector) closeAll() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for each := range c.conns {
		each.Conn.Close()
		each.dead = true
	}
	c.conns = nil
}

type conn struct {
	driver.Conn
	of   *connector
	told Told
	open int // transactions
	dead bool
}

func (c *conn) Close() error {
	c.of.mutex.Lock()
	delete(c.of.conns, c)
	c.of.mutex.Unlock()
	if c.dead {
		return nil
	}
	return c.Conn.Close()
}

func (c *conn) tell(ctx context.Context) {
	text, told := c.of.observer.ToTell(ctx, c.told)
	if text == "" {
		return
	}
	if execer, ok := c.Conn.(driver.ExecerContext); ok {
		// In an aborted transaction it fails, as what comes after it does.
		if _, err := execer.ExecContext(ctx, text, nil); err == nil {
			c.told = told
		}
	}
}

func (c *conn) said(ctx context.Context, text string) string {
	c.tell(ctx)
	if RollsBack(text) {
		c.told = nil
	}
	text, _ = c.of.observer.Observe(ctx, text, "", 1)
	return text
}

func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if real, ok := c.Conn.(driver.QueryerContext); ok {
		return real.QueryContext(ctx, c.said(ctx, text), args)
	}
	return nil, driver.ErrSkip
}

func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if real, ok := c.Conn.(driver.ExecerContext); ok {
		return real.ExecContext(ctx, c.said(ctx, text), args)
	}
	return nil, driver.ErrSkip
}

func (c *conn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c.tell(ctx)
	said, sent := c.of.observer.Observe(ctx, text, "", 0)
	var real driver.Stmt
	var err error
	if with, ok := c.Conn.(driver.ConnPrepareContext); ok {
		real, err = with.PrepareContext(ctx, said)
	} else {
		real, err = c.Conn.Prepare(said)
	}
	if err != nil {
		return nil, err
	}
	return &stmt{real, c, text, sent}, nil
}

func (c *conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	c.tell(ctx) // before it begins: its rollback would take it back
	var real driver.Tx
	var err error
	if with, ok := c.Conn.(driver.ConnBeginTx); ok {
		real, err = with.BeginTx(ctx, options)
	} else {
		real, err = c.Conn.Begin() //nolint:staticcheck // for old drivers
	}
	if err != nil {
		return nil, err
	}
	c.open++
	return tx{real, c}, nil
}

func (c *conn) Ping(ctx context.Context) error {
	if with, ok := c.Conn.(driver.Pinger); ok {
		return with.Ping(ctx)
	}
	return nil
}

func (c *conn) ResetSession(ctx context.Context) error {
	if c.dead {
		return driver.ErrBadConn
	}
	if with, ok := c.Conn.(driver.SessionResetter); ok {
		return with.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	with, ok := c.Conn.(driver.Validator)
	return !c.dead && (!ok || with.IsValid())
}

func (c *conn) CheckNamedValue(value *driver.NamedValue) error {
	if with, ok := c.Conn.(driver.NamedValueChecker); ok {
		return with.CheckNamedValue(value)
	}
	return driver.ErrSkip
}

type tx struct {
	driver.Tx
	of *conn
}

func (t tx) Commit() error {
	t.of.open--
	err := t.Tx.Commit()
	if err != nil {
		t.of.told = nil
	}
	return err
}

func (t tx) Rollback() error {
	t.of.open--
	t.of.told = nil
	return t.Tx.Rollback()
}

// A prepared statement keeps the line that prepared it; where it is executed is known here.
type stmt struct {
	driver.Stmt
	of         *conn
	text, sent string
}

func (s *stmt) begin(ctx context.Context) {
	s.of.tell(ctx)
	s.of.of.observer.Observe(ctx, s.text, s.sent, 1)
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.begin(ctx)
	if with, ok := s.Stmt.(driver.StmtExecContext); ok {
		return with.ExecContext(ctx, args)
	}
	return s.Stmt.Exec(plain(args)) //nolint:staticcheck // for old drivers
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.begin(ctx)
	if with, ok := s.Stmt.(driver.StmtQueryContext); ok {
		return with.QueryContext(ctx, args)
	}
	return s.Stmt.Query(plain(args)) //nolint:staticcheck // for old drivers
}

func (s *stmt) CheckNamedValue(value *driver.NamedValue) error {
	if with, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return with.CheckNamedValue(value)
	}
	return s.of.CheckNamedValue(value)
}

func plain(args []driver.NamedValue) []driver.Value {
	values := make([]driver.Value, len(args))
	for i, each := range args {
		values[i] = each.Value
	}
	return values
}
