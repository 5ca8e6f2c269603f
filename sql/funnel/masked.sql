-- The clicks that a step or an exclusion asks for. Stands behind sql/query/selected.sql.
--
-- masked   these clicks; `steps` and `excluded` have the bits of the steps that a click can serve, and of the exclusions that
--          it is one of. STEPS and EXCLUDED are their sums.
-- Parameters: those of selected.sql; to_ms is where the last window ends.
, masked AS
(
    SELECT
        *,
        if(visitor_id != 0, visitor_id, click_id) AS identity,
        toUInt16(STEPS) AS steps,
        toUInt16(EXCLUDED) AS excluded
    FROM selected
    WHERE steps != 0 OR excluded != 0
)
