-- What a conversion or a page event that is an entry is told apart by: the click to which it belongs, if that came first.
if(click_id != 0 AND time <= occurred_at, SPLIT, [''])
