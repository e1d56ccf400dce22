"""A reference of what SES does with a template, so that tests can prove that nothing becomes code.

Follows the lexer of Handlebars (handlebars-parser, spec/tokenizer and src/handlebars.l) for the part that
templates may use, and refuses everything else loudly.
"""

import re
from collections.abc import Mapping

_NAME = re.compile(r"\{\{([A-Za-z][A-Za-z0-9_]*)\}\}")


def substitute(template: str, values: Mapping[str, str]) -> str:
    """Fill `template`; ValueError where it is more than plain substitution, KeyError for a missing value."""
    written: list[str] = []
    position = 0
    while (start := template.find("{{", position)) >= 0:
        written.append(template[position:start])
        if template[:start].endswith("\\"):
            raise ValueError("a backslash escapes the variable")
        variable = _NAME.match(template, start)
        if variable is None:
            message = f"not plain substitution: {template[start : start + 20]!r}"
            raise ValueError(message)
        position = variable.end()
        if template.startswith("}", position):
            raise ValueError("closed like a triple-stash")
        written.append(values[variable[1]])
    return "".join((*written, template[position:]))
