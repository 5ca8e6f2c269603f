-- Of what is no entry.
['']
