-- What a step asks of a page event. FILTER is its filter, or 1.
((empty({names:Array(String)}) OR has({names:Array(String)}, toString(name))) AND (FILTER))
