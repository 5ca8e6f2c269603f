-- The inserts that run now and may be into a table, by their ids. Parameter: table.
-- An insert is listed from before it notes its token until after its part is in place. Without the right to see others'
-- queries (SHOW PROCESSLIST) ClickHouse lists a user's own: all ingests come as one user.
SELECT query_id
FROM system.processes
WHERE query_kind = 'Insert' AND position(query, {table:String}) > 0
