-- Stands behind the clicks where they are told apart by tag: one row for each tag that the link had, one with the empty tag
-- where it had none. tag_place is the tag's number among those of the click. CLICKS is the name before.
, tagged AS
(
    SELECT *, tag, tag_place
    FROM (SELECT *, if(empty(tags), [''], CAST(tags, 'Array(String)')) AS tags_of_click FROM CLICKS)
    ARRAY JOIN tags_of_click AS tag, arrayEnumerate(tags_of_click) AS tag_place
)
