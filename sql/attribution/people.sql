-- Who converted, and which visitors they were. Stands behind sql/carried/every.sql.
--
-- A person is a customer of the merchant's, with the visitors of all conversions that name the customer; or, where a
-- conversion names none, that conversion's own visitor. A conversion has the visitor that it carries and that of the click it
-- carries. Two customers who share a visitor stay two: a computer may be a family's.
-- Parameters: workspace.
, events AS
(
    SELECT event_id, click_id, visitor_id, if(customer = '', concat('e', event_id), concat('c', customer)) AS person
    FROM conversions FINAL
    WHERE workspace = {workspace:String}
),
known AS
(
    SELECT DISTINCT person, visitor
    FROM
    (
        SELECT person, visitor_id AS visitor FROM events
        UNION ALL
        SELECT person, carriers.visitor_id AS visitor FROM events INNER JOIN carriers USING (click_id)
    )
    WHERE visitor != 0
)
