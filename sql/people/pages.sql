-- The page events of a time with their persons, by the rules of persons.sql: `pages`. Stands behind page_events.sql and persons.sql.
, pages AS
(
    SELECT *, multiIf(customer_of != 0, customer_of, owner != 0, owner, identity) AS person
    FROM page_identified
    LEFT ANY JOIN owners USING (identity)
)
