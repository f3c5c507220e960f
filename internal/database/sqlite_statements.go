package database

import (
	"container/list"
	"context"
	"database/sql/driver"

	modernc "modernc.org/sqlite"
)

// keepStatements is how many statements a connection keeps compiled. Compiling took an eighth of all processor time.
const keepStatements = 128

// keptLength is the longest statement that is kept: bulk writes make long ones of many lengths, each used once.
const keptLength = 4096

// sqliteConnector opens connections that keep the statements they ran last compiled.
type sqliteConnector struct {
	driver *modernc.Driver
	dsn    string
}

// Driver gives the engine's own driver.
func (c sqliteConnector) Driver() driver.Driver { return c.driver }

// Connect opens one connection.
func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	raw, fits := conn.(sqliteConn)
	if !fits {
		return conn, nil
	}
	return &keepingConn{sqliteConn: raw, kept: map[string]*list.Element{}, order: list.New()}, nil
}

// sqliteConn is what the driver's connections do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// sqliteStatement is what the driver's statements do.
type sqliteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keepingConn is one connection. database/sql lets one caller at a time use it, but rows may be open while the next
// statement runs: one in use is never used a second time.
type keepingConn struct {
	sqliteConn
	kept  map[string]*list.Element // of *keptStatement
	order *list.List               // last used first
}

type keptStatement struct {
	sqliteStatement
	query string
	busy  bool
}

// statement finds or compiles a statement; nil is one that is not kept.
func (c *keepingConn) statement(ctx context.Context, query string) (*keptStatement, error) {
	if e, known := c.kept[query]; known {
		s, _ := e.Value.(*keptStatement)
		if s.busy {
			return nil, nil
		}
		c.order.MoveToFront(e)
		return s, nil
	}
	if len(query) > keptLength {
		return nil, nil
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	raw, fits := made.(sqliteStatement)
	if !fits {
		return nil, made.Close()
	}
	s := &keptStatement{sqliteStatement: raw, query: query}
	c.kept[query] = c.order.PushFront(s)
	return s, c.forget()
}

// forget closes the statements that were not used for longest.
func (c *keepingConn) forget() error {
	for e := c.order.Back(); e != nil && len(c.kept) > keepStatements; {
		s, _ := e.Value.(*keptStatement)
		older := e
		e = e.Prev()
		if s.busy {
			continue
		}
		c.order.Remove(older)
		delete(c.kept, s.query)
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// ExecContext runs a statement without rows.
func (c *keepingConn) ExecContext(ctx context.Context, query string, arguments []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.ExecContext(ctx, query, arguments)
	}
	return s.ExecContext(ctx, arguments)
}

// QueryContext runs a statement with rows.
func (c *keepingConn) QueryContext(ctx context.Context, query string, arguments []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, query, arguments)
	}
	rows, err := s.QueryContext(ctx, arguments)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return keptRows{rows, s}, nil
}

// Close closes what is kept, and the connection.
func (c *keepingConn) Close() error {
	for e := c.order.Front(); e != nil; e = e.Next() {
		if s, fits := e.Value.(*keptStatement); fits {
			_ = s.Close() // the connection's own close says what is wrong with it
		}
	}
	return c.sqliteConn.Close()
}

// keptRows gives its statement free when it is closed.
type keptRows struct {
	driver.Rows
	of *keptStatement
}

// Close ends the reading.
func (r keptRows) Close() error {
	defer func() { r.of.busy = false }()
	return r.Rows.Close()
}
