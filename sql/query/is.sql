-- One of some values. Numbers and enumerations are compared as texts.
toString({column:Identifier}) IN {value:Array(String)}
