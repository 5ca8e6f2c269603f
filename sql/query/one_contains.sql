-- Of several values one has a text in it; letter case counts.
arrayExists(value -> position(toString(value), {value:String}) > 0, {column:Identifier})
