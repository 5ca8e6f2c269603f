-- By what somebody is told apart: the values of a click that may have several; one that has none has the empty text.
if(empty({split:Identifier}), [''], CAST({split:Identifier}, 'Array(String)'))
