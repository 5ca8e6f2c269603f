-- Every lead and sale of the workspace with its person, and with the advocate who referred it, in the order in which they
-- happened (ties by event id). Stands behind sql/people/persons.sql.
--
-- is_customer    whether the merchant has a name for the person: only those can be advocates
-- is_somebody    0 where the conversion names neither customer nor visitor nor click: whether it is anybody's first cannot be told
-- worth          of a sale what it was worth, less what was given back; of a lead nothing
-- clicked_at     when the click was that it is owed to; clicked_by its visitor, through its channel
-- referrer       the advocate of that click's link, as a person, where the click counts and came first; 0 where there is none,
--                where the advocate is the person itself, and where the link is of another program than is asked
-- Times are milliseconds since 1970.
-- Parameters: workspace, and
--   all_traffic  0 for clicks of people (human, and duplicate: the same again), 1 for every verdict
--   program      only links of this program refer; empty for all
--   most         how many rows
, clicked AS
(
    SELECT
        click_id AS clicked,
        toUnixTimestamp64Milli(time) AS clicked_at,
        visitor_id AS clicked_by,
        toString(channel) AS through,
        if(advocate != '' AND {program:String} IN ('', program), reinterpretAsUInt128(sipHash128('customer', advocate)), 0) AS advocate_person,
        outcome = 'redirected' AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate')) AS counts
    -- What a conversion is owed to is a click that some conversion carries.
    FROM every_carried
    -- Click ids are unique; should one ever stand twice, its conversions still count once.
    ORDER BY time, lane, seq
    LIMIT 1 BY click_id
)
SELECT
    kind = 'sale' AS is_sale,
    toUnixTimestamp64Milli(occurred_at) AS at,
    if(kind = 'sale', amount_minor - refunded, 0) AS worth,
    toString(currency) AS paid_in,
    person,
    is_customer,
    person != reinterpretAsUInt128(sipHash128('event', event_id)) AS is_somebody,
    owed_to,
    clicked_at,
    clicked_by,
    through,
    if(counts AND clicked_at <= at AND advocate_person != person, advocate_person, 0) AS referrer
FROM attributed
INNER JOIN converters USING (event_id)
LEFT JOIN clicked ON owed_to = clicked
WHERE kind IN ('lead', 'sale')
ORDER BY at, event_id
LIMIT {most:UInt64}
