"""What botocore's own model says of an operation's input, as places in a request with values that keep or break the rules.

A place is a path: names of members, '[]' for the first element of a list, '{}' for the value of the first entry of a map.
"""
import copy
import re

try:
    import re._parser as sre_parse
except ImportError:  # before Python 3.11
    import sre_parse

import botocore.loaders
import botocore.model

ELEMENT, ENTRY = "[]", "{}"
LONGEST = 20_000  # a value of a limit beyond this is not worth building
# Python's re has no classes of Unicode categories: a letter is in all of them but the separators.
CATEGORIES = re.compile(r"\\p\{(\w)\}")
LETTERS = {"L": "a-zA-Z", "M": "\u0300", "Z": " ", "S": "+", "N": "0-9", "P": "!-"}
DAY_S = 86_400


def service_model(service):
    data = botocore.loaders.Loader().load_service_model(service, "service-2")
    return botocore.model.ServiceModel(data, service)


def children(shape):
    if shape.type_name == "structure":
        return [(name, member, name in shape.required_members) for name, member in shape.members.items()]
    if shape.type_name == "list":
        return [(ELEMENT, shape.member, False)]
    if shape.type_name == "map":
        return [(ENTRY, shape.value, False)]
    return []


def places(shape, path=(), above=()):
    """(path, shape, required) of everything below, each structure within itself once."""
    if shape.name in above:
        return
    for step, inner, required in children(shape):
        yield (*path, step), inner, required
        yield from places(inner, (*path, step), (*above, shape.name))


def python_pattern(pattern):
    return CATEGORIES.sub(lambda found: LETTERS[found[1]], pattern)


def matches(pattern, text):
    return re.fullmatch(python_pattern(pattern), text) is not None


def _shortest(parsed):
    text = ""
    for operation, argument in parsed:
        name = str(operation)
        if name == "LITERAL":
            text += chr(argument)
        elif name == "ANY" or name == "NOT_LITERAL":
            text += "x"
        elif name == "IN":
            text += _one_of(argument)
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            text += _shortest(argument[2]) * argument[0]
        elif name == "SUBPATTERN":
            text += _shortest(argument[-1])
        elif name == "BRANCH":
            text += _shortest(argument[1][0])
    return text


def _one_of(choices):
    operation, argument = choices[0]
    if str(operation) == "NEGATE":
        return "x"
    if str(operation) == "RANGE":
        return chr(argument[0])
    if str(operation) == "CATEGORY":
        return {"CATEGORY_DIGIT": "1"}.get(str(argument), "x")
    return chr(argument)


def text_of(shape):
    """The shortest text that keeps the rules, made longer where one is empty without need."""
    if shape.enum:
        return shape.enum[0]
    pattern = shape.metadata.get("pattern", ".*")
    least = max(shape.metadata.get("min", 0), 1)
    text = _shortest(sre_parse.parse(python_pattern(pattern)))
    for filler in ("a", "1", "x" * least):
        if len(text) >= least:
            break
        text += filler * (least - len(text))
    if not matches(pattern, text):
        raise AssertionError(f"no text found for {shape.name}: {pattern}, tried {text!r}")
    return text


class Examples:
    """Values that keep the rules; `known` gives those that mean something, by the name of a shape.

    In forms every value is a text, and only one that is no number is of a wrong type: of a boolean no client sends another text.
    """

    def __init__(self, known, in_forms=False):
        self.known = known
        self.in_forms = in_forms

    def of(self, shape):
        if shape.name in self.known:
            return copy.deepcopy(self.known[shape.name])
        kind = shape.type_name
        if kind == "structure":
            return {name: self.of(member) for name, member, required in children(shape) if required}
        if kind == "list":
            return [self.of(shape.member) for _ in range(max(1, shape.metadata.get("min", 0)))]
        if kind == "map":
            key, count = self.of(shape.key), max(1, shape.metadata.get("min", 0))
            return {key if i == 0 else f"{key}{i}": self.of(shape.value) for i in range(count)}
        if kind == "string":
            return text_of(shape)
        if kind in ("integer", "long"):
            return max(1, shape.metadata.get("min", 0))
        if kind in ("float", "double"):
            return 0.5
        if kind == "boolean":
            return True
        if kind == "timestamp":
            return 10 * 365 * DAY_S
        raise AssertionError(f"no example for a {kind}")

    def put(self, request, top, path, value):
        """`request` with `value` at `path`; what is missing on the way there is made."""
        request = copy.deepcopy(request)
        holder, shape = request, top
        for step, following in zip(path, (*path[1:], None)):
            inner = {name: member for name, member, _ in children(shape)}[step]
            made = value if following is None else self.of(inner)
            if step == ELEMENT:
                holder[:1] = [made] if following is None or not holder else holder[:1]
                holder = holder[0] if following else None
            elif step == ENTRY:
                key = next(iter(holder), None) or self.of(shape.key)
                holder[key] = made if following is None else holder.get(key, made)
                holder = holder[key]
            else:
                holder[step] = made if following is None else holder.get(step, made)
                holder = holder[step]
            shape = inner
        return request

    def breakings(self, shape):
        """(rule, value, what the refusal must say) for each rule of the shape."""
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        kind = shape.type_name
        if kind == "string":
            yield from self._broken_text(shape, least, most)
        elif kind in ("integer", "long", "float", "double"):
            if least is not None:
                yield "min", least - 1, f"Member must have value greater than or equal to {least}"
            if most is not None:
                yield "max", most + 1, f"Member must have value less than or equal to {most}"
        elif kind == "list":
            if least:
                yield "min", [], f"Member must have length greater than or equal to {least}"
            if most is not None:
                yield "max", [self.of(shape.member)] * (most + 1), f"Member must have length less than or equal to {most}"
        elif kind == "map":
            yield from self._broken_map(shape, least, most)
        wrong = {"string": 1, "boolean": "true"}.get(kind, "1")
        of_a_type = ["integer", "long", "float", "double"]  # of a time no client sends another type
        if self.in_forms:
            wrong = "many"
        else:
            of_a_type += ["string", "boolean"]
        if kind in of_a_type:
            yield "type", wrong, None

    def _broken_text(self, shape, least, most):
        if shape.enum:
            yield "enum", "Nonsense", "Member must satisfy enum value set: ["
        if least:
            yield "min", "", f"Member must have length greater than or equal to {least}"
        if most is not None and most <= LONGEST:
            yield "max", "a" * (most + 1), f"Member must have length less than or equal to {most}"
        pattern = shape.metadata.get("pattern")
        wrong = next((text for text in ("a\nb", "a b", "!", "") if pattern and not matches(pattern, text)), None)
        if wrong is not None:
            yield "pattern", wrong, f"Member must satisfy regular expression pattern: {pattern}"

    def _broken_map(self, shape, least, most):
        value = self.of(shape.value)
        if least:
            yield "min", {}, f"Member must have length greater than or equal to {least}"
        if most is not None:
            entries = {f"k{i}": value for i in range(most + 1)}
            yield "max", entries, f"Member must have length less than or equal to {most}"
        for rule, key, _ in self.breakings(shape.key):
            if rule in ("min", "max", "pattern"):
                yield f"key {rule}", {key: value}, "Map keys must satisfy constraint: ["


def wire_path(path):
    """As a violation writes it: members begin with a small letter, elements count from 1."""
    parts = []
    for step in path:
        parts += ["1", "member"] if step == ELEMENT else [step[0].lower() + step[1:]]
    return ".".join(parts)


def form_path(path):
    """As a form writes it."""
    return ".".join("member.1" if step == ELEMENT else step for step in path)


def value_at(answer, path):
    """All values at `path` of an answer; '[]' and '{}' stand for every element and entry."""
    values = [answer]
    for step in path:
        found = []
        for value in values:
            if step == ELEMENT and isinstance(value, list):
                found += value
            elif step == ENTRY and isinstance(value, dict):
                found += value.values()
            elif isinstance(value, dict) and step in value:
                found.append(value[step])
        values = found
    return values


def holds(shown, given):
    """`shown` has all that was given, and perhaps defaults beside it."""
    if isinstance(given, dict):
        return isinstance(shown, dict) and all(key in shown and holds(shown[key], value) for key, value in given.items())
    if isinstance(given, list):
        return isinstance(shown, list) and len(shown) == len(given) and all(map(holds, shown, given))
    return shown == given
