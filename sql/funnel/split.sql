-- By what somebody is told apart: the one value of a click.
[toString({split:Identifier})]
