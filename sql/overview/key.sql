-- A row's value of its breakdown.
part = PART, toString(value_NUMBER),
