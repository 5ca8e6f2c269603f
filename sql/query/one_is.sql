-- Of several values one is one of these; a click that has none has the empty text.
hasAny(if(empty({column:Identifier}), [''], CAST({column:Identifier}, 'Array(String)')), {value:Array(String)})
