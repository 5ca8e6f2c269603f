-- With a text in it; letter case counts.
position(toString({column:Identifier}), {value:String}) > 0
