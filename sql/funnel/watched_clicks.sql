    -- Stands in marks.sql where clicks are entries and a later step or an exclusion asks for clicks too.
    -- Parameters:
    --   entries  the bits of the steps that can be an entry
    --   later    the bits of the others; of all, where steps come in any order
    UNION ALL
    SELECT toUInt32(identity) AS mark
    FROM masked
    GROUP BY identity
    HAVING count() > 1
       AND max(bitAnd(steps, {entries:UInt16})) != 0
       AND (max(bitAnd(steps, {later:UInt16})) != 0 OR max(excluded) != 0)
