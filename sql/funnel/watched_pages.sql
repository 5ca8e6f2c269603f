    -- Stands in marks.sql, behind sql/people/pages.sql, where a step or an exclusion asks for page events.
    UNION ALL
    SELECT toUInt32(person) AS mark FROM pages WHERE STEPS != 0 OR EXCLUDED != 0
