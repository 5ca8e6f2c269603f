-- The clicks of those who must be looked at one by one. Stands behind marks.sql and sql/people/persons.sql.
-- SPLIT is split.sql or split_list.sql.
-- Parameters: most, the most of them.
SELECT
    identity,
    if(owner != 0, owner, identity) AS person,
    toUnixTimestamp64Milli(time) AS at,
    click_id AS id,
    steps,
    excluded,
    SPLIT AS split
FROM
(
    SELECT *
    FROM masked
    WHERE toUInt32(identity) IN (SELECT mark FROM watched)
    -- What is asked of a click is read at once, and not column after column for those that passed so far: nearly all do.
    SETTINGS enable_multiple_prewhere_read_steps = 0
) AS theirs
LEFT ANY JOIN owners USING (identity)
LIMIT {most:UInt64}
