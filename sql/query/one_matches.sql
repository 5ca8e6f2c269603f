-- Of several values a regular expression fits somewhere in one.
arrayExists(value -> match(toString(value), {value:String}), {column:Identifier})
