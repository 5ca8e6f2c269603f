-- A breakdown's column, as it is: dictionaries are grouped by their numbers.
{by_NUMBER:Identifier} AS value_NUMBER,
