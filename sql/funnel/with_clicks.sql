-- Conversions with the clicks to which they are owed: WHERE they stand in conversions.sql, if a step asks for them.
(SELECT * FROM happened LEFT ANY JOIN selected ON owed_to = click_id) AS happened_by_click
