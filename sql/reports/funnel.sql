-- How many people went from a click to a lead to a sale, and how long it took them.
--
-- A person is a visitor; a click without a known visitor is a person by itself.
-- click  the person's first selected click of the range: the entry, and the person's only one.
-- lead   the person's first lead at or after the entry, at most lead_ms later.
-- sale   the person's first sale at or after that lead, at most sale_ms later.
-- Both at most within_ms after the entry. An event is a click, a lead or a sale, so none serves two
-- steps; of events in the same millisecond the click is first, then the lead, then the sale.
-- A conversion is the person's whose click it is owed to, if that click counts (redirected, and human
-- unless all traffic is asked) and came first; it need not be the entry, nor pass the filters by
-- channel, source and link, which choose who enters.
-- open_*    people who have not taken the step but whose time for it is not over at now_ms
-- median_*  the lower median of the milliseconds from the step before; 0 where nobody took the step
-- Parameters: those of selected.sql, and lead_ms, sale_ms, within_ms, now_ms.
, entries AS
(
    SELECT
        if(visitor_id != 0, (1, visitor_id), (0, click_id)) AS person,
        min(toUnixTimestamp64Milli(time)) AS entry
    FROM selected
    GROUP BY person
),
conversions_of_people AS
(
    SELECT
        person,
        groupArrayIf(at, kind = 'lead') AS leads_at,
        groupArrayIf(at, kind = 'sale') AS sales_at
    FROM
    (
        SELECT
            if(visitor_id != 0, (1, visitor_id), (0, click_id)) AS person,
            kind,
            toUnixTimestamp64Milli(occurred_at) AS at
        FROM
        (
            SELECT click_id, time, visitor_id
            FROM clicks
            WHERE workspace = {workspace:String}
              AND outcome = 'redirected'
              AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
              -- A click's id begins with its time: with the hour, its row is found by the table's key.
              AND (toStartOfHour(time), click_id) IN
              (
                  SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(owed_to, 80)), 'UTC')), owed_to
                  FROM attributed
              )
        ) AS click
        INNER JOIN attributed ON click_id = owed_to
        WHERE occurred_at >= time
    )
    GROUP BY person
),
ways AS
(
    SELECT
        entry,
        entry + {within_ms:Int64} AS last,
        least(entry + {lead_ms:Int64}, last) AS lead_last,
        arrayFilter(at -> at >= entry AND at <= lead_last, leads_at) AS leads,
        notEmpty(leads) AS has_lead,
        arrayMin(leads) AS lead,
        least(lead + {sale_ms:Int64}, last) AS sale_last,
        arrayFilter(at -> has_lead AND at >= lead AND at <= sale_last, sales_at) AS sales,
        notEmpty(sales) AS has_sale,
        arrayMin(sales) AS sale
    FROM entries
    LEFT JOIN conversions_of_people USING (person)
)
SELECT
    count() AS clicked,
    countIf(has_lead) AS led,
    countIf(has_sale) AS sold,
    countIf(NOT has_lead AND lead_last >= {now_ms:Int64}) AS open_lead,
    countIf(has_lead AND NOT has_sale AND sale_last >= {now_ms:Int64}) AS open_sale,
    toInt64(quantileExactLowIf(0.5)(lead - entry, has_lead)) AS median_lead_ms,
    toInt64(quantileExactLowIf(0.5)(sale - lead, has_sale)) AS median_sale_ms
FROM ways
