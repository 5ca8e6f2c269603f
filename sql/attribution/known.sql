-- The visitors of those who converted. Stands behind people.sql.
SELECT DISTINCT visitor FROM known
