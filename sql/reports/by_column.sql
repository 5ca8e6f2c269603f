-- Stands behind selected.sql where a click has one key: the value of a column. Under the name `keyed`:
--
-- grouped  the key
-- place    the key's number among those of the click: a click counts once where place is 1
-- Parameters:
--   by  the column to group by, from the list in the API
, keyed AS
(
    SELECT *, toString({by:Identifier}) AS grouped, 1 AS place
    FROM selected
)
