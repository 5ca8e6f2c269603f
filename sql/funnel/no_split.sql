-- Of what is no entry, or where nobody is told apart.
['']
