-- That a regular expression fits somewhere in.
match(toString({column:Identifier}), {value:String})
