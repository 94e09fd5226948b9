"""An abstract interpreter of Python, and the vocabularies that run on it.

The interpreter reads functions as Python would carry them out, on values that stand for all
that a variable may hold (`values`, `state`). It folds constants and leaves out branches that
cannot run, joins branches, reads loops until a further turn teaches nothing, keeps lists, dicts
and objects on a heap so that aliases see each other's changes, and follows calls into
functions and methods of the whole project. It knows nothing of requests or query sets: that
is told by a `Domain`.

How to write one:

- Derive `domain.Domain` and override the hooks you need; each has a body that says "not mine".
  Every hook gets the `Frame`, the function at work: `frame.place(node)` says where it stands,
  `frame.caller` and `frame.call` how it was reached, `frame.marks(value)` what was marked.
- A vocabulary on where data comes from puts *marks* (any hashable things) on values. Marks go
  along with text, containers, attributes and calls of project functions by themselves. What a
  call of a library does with them is said by `result`, by default nothing: they end there.
  Leave the steps of a path out of a mark's equality, or loops never come to rest.
- A vocabulary on what things are derives classes of its own from `values.Value` (frozen and
  hashable, with `joined` where two can be one) and returns them from `name`, `call`,
  `attribute`, `subscript`, `element`. They travel through variables, lists, dicts, attributes,
  arguments and results like any other value. `loop` and `loop_end` tell of loops,
  comprehensions included; a call inside is read once for equal arguments, unless `context`
  says that it depends on more.
- `assume` tells of a condition that holds from here on; `frame.refine(node, value)` and
  `frame.remark(change)` say what follows from it.

Then `Interpreter(Program(project), domain)`; `entries(module)` are its functions, `run_all(code)`
reads one and what is defined inside it. `limits` are the functions that were not read to the end.
"""
