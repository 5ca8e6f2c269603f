-- What a step asks of a conversion. FILTER is what it asks of the click, or 1.
(
    has({kinds:Array(String)}, toString(kind))
    AND (empty({names:Array(String)}) OR has({names:Array(String)}, toString(name)))
    AND (empty({currencies:Array(String)}) OR has({currencies:Array(String)}, toString(currency)))
    AND amount_minor >= {least:Int64}
    AND amount_minor <= {most_minor:Int64}
    AND (FILTER)
)
