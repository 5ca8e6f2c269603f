-- What a step asks of the click to which a conversion is owed: none passes where there is none, where it does not count, or
-- where it came later.
(click_id != 0 AND time <= occurred_at AND (FILTER))
