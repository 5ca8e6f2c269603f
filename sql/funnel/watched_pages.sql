    -- Stands in marks.sql, behind sql/people/page_events.sql, where a step or an exclusion asks for page events.
    UNION ALL
    SELECT toUInt32(identity) AS mark FROM page_identified WHERE STEPS != 0 OR EXCLUDED != 0
