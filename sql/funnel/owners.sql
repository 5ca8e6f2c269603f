-- Which identities are a customer's. Stands behind sql/people/persons.sql.
-- Parameters: most, the most of them.
SELECT identity, owner
FROM owners
LIMIT {most:UInt64}
