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
carried AS
(
    SELECT click_id, any(visitor_id) AS clicked_by
    FROM every_carried
    GROUP BY click_id
),
known AS
(
    SELECT DISTINCT person, visitor
    FROM
    (
        SELECT person, visitor_id AS visitor FROM events
        UNION ALL
        SELECT person, clicked_by AS visitor FROM events INNER JOIN carried USING (click_id)
    )
    WHERE visitor != 0
)
