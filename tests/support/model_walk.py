"""The walk over every member of every input, as the installed botocore knows it: given a value that keeps the model's rules
it must be shown by an answer, have an effect that another test looks at, or be refused by name; given one that breaks a rule it
must be refused in the service's words. A member that the model gains fails here until it is one of these.

Another operation, or another service, is one more Walk.
"""
import dataclasses
import itertools
import pathlib
import re
import typing

import botocore.exceptions

from support import model

TESTS = pathlib.Path(__file__).resolve().parent.parent
# Enumerations so long, and so alike, that their first and last value stand for all.
SAMPLED_FROM = 20
NUMBERS = itertools.count(1)


def fresh(prefix):
    return f"{prefix}-{next(NUMBERS)}"


@dataclasses.dataclass
class Walk:
    service: str
    operation: str
    # A request that is accepted, new each time.
    request: typing.Callable
    # Of a service and an accepted request: an answer that shows its members. None: nothing shows them.
    shown: typing.Optional[typing.Callable] = None
    # Members that nothing shows but that have an effect, and the test that looks at it: by their paths from the top.
    honoured: dict = dataclasses.field(default_factory=dict)
    # Members that ask for nothing here, or for what is so anyway, and why.
    idle: dict = dataclasses.field(default_factory=dict)
    # What a member needs beside it to be meant: path -> change of the request.
    needs: dict = dataclasses.field(default_factory=dict)
    # "path rule" -> why this service draws another line than the model.
    deviations: dict = dataclasses.field(default_factory=dict)
    # Top members whose value the request brings along.
    kept: tuple = ()
    # The members that are refused by name whatever their value, all of them; None: see what is printed.
    refused: typing.Optional[tuple] = None
    # Where the operation has another code than its service for a broken rule, a missing member included.
    refusal: typing.Optional[str] = None


def in_test(path, *members):
    return {member: path for member in members}


def mentions(path, member):
    """The test speaks of the member, as boto3 or as awscli writes it."""
    text = (TESTS / path).read_text()
    option = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", member).lower()
    return re.search(rf"\b{member}\b|--{option}\b", text) is not None


class ModelWalk:
    """To be mixed into a TestCase that has a `service`, WALKS and KNOWN."""

    refusal = "ValidationException"  # of a rule that is broken
    missed = refusal                 # of a member that must be there and is not
    mistyped = "SerializationException"
    refusals = ()  # what else a member that is valid may be refused with
    in_forms = False  # where every value is a text

    def restore(self, walk):
        """What the walked operations end or remove is there again."""

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = self.service.new_client(service, parameter_validation=False)
        return self.clients[service]

    def send(self, walk, request):
        """None when it is accepted; otherwise (code, message). No answer but those two may come."""
        try:
            self.client(walk.service)._make_api_call(walk.operation, request)
        except botocore.exceptions.ClientError as error:
            self.assertLess(error.response["ResponseMetadata"]["HTTPStatusCode"], 500, error)
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        return None

    def input_of(self, walk):
        return model.service_model(walk.service).operation_model(walk.operation).input_shape

    def places(self, walk):
        top = self.input_of(walk)
        return list(model.places(top)) if top else []

    def examples(self):
        return model.Examples(self.KNOWN, self.in_forms)

    def test_members_are_shown_or_honoured_or_refused_by_name(self):
        for walk in self.WALKS:
            outcomes = {"shown": 0, "honoured": 0, "idle": 0, "refused": []}
            for path, shape, _ in self.places(walk):
                for value in self.values(walk, shape, path):
                    with self.subTest(operation=walk.operation, member=".".join(path), value=str(value)[:60]):
                        self.one_member(walk, path, value, outcomes)
            refused = sorted(set(outcomes["refused"]))
            with self.subTest(operation=walk.operation, refused=refused):
                if walk.refused is not None:
                    self.assertEqual(refused, sorted(walk.refused))
            print(f"{walk.operation}: {outcomes['shown']} values shown, {outcomes['honoured']} honoured, {outcomes['idle']} idle, "
                  f"refused by name: {refused}")

    def values(self, walk, shape, path):
        enum = getattr(shape, "enum", None)
        if not enum:
            if len(path) == 1 and path[0] in walk.kept:
                return [None]  # the value that the request has
            return [self.examples().of(shape)]
        return enum if len(enum) < SAMPLED_FROM else [enum[0], enum[-1]]

    def one_member(self, walk, path, value, outcomes):
        dotted = ".".join(path)
        top = self.input_of(walk)
        request = walk.request()
        if value is None:
            value = request[path[0]]
        else:
            request = self.examples().put(request, top, path, value)
        for needed, change in walk.needs.items():
            if dotted == needed or dotted.startswith(needed + "."):
                change(request)
        refused = self.send(walk, request)
        self.restore(walk)
        if refused:
            code, message = refused
            self.assertIn(code, (walk.refusal or self.refusal, *self.refusals), message)
            self.assertNotIn("Unknown member", message, "a member that this service has never heard of")
            named = [step for step in path if step not in (model.ELEMENT, model.ENTRY) and step.lower() in message.lower()]
            self.assertTrue(named, f"the refusal does not name the member: {message}")
            outcomes["refused"].append(named[-1])
        elif dotted in walk.honoured:
            member = next(step for step in reversed(path) if step not in (model.ELEMENT, model.ENTRY))
            self.assertTrue(mentions(walk.honoured[dotted], member), f"{walk.honoured[dotted]} does not speak of {member}")
            outcomes["honoured"] += 1
        elif dotted in walk.idle:
            outcomes["idle"] += 1
        else:
            self.assertIsNotNone(walk.shown, "accepted, but nobody says what becomes of it")
            shown = model.value_at(walk.shown(self.service, request), path)
            self.assertTrue(any(model.holds(one, value) for one in shown), f"not shown: {value!r} among {shown!r}")
            outcomes["shown"] += 1

    def test_values_that_break_a_rule_are_refused_in_the_services_words(self):
        for walk in self.WALKS:
            top = self.input_of(walk)
            examples = self.examples()
            used = {deviation for deviation in walk.deviations if deviation.endswith(" required")}  # those of the next test
            broken = 0
            for path, shape, _ in self.places(walk):
                for rule, value, words in examples.breakings(shape):
                    dotted = f"{'.'.join(path)} {rule}"
                    with self.subTest(operation=walk.operation, member=dotted):
                        refused = self.send(walk, examples.put(walk.request(), top, path, value))
                        if dotted in walk.deviations:
                            used.add(dotted)
                            continue
                        broken += 1
                        self.check_words(walk, path, rule, words, refused)
            self.assertEqual(used, set(walk.deviations), "deviations that are none any more")
            print(f"{walk.operation}: {broken} broken rules refused")

    def check_words(self, walk, path, rule, words, refused):
        self.assertIsNotNone(refused, "it was accepted")
        code, message = refused
        if rule == "type" and not self.refused_as_a_whole(message, path):
            self.assertEqual(code, self.mistyped, message)
            written = model.form_path if self.in_forms else model.wire_path
            self.assertIn(written([step for step in path if step != model.ENTRY]), message)
            return
        self.assertEqual(code, walk.refusal or self.refusal, message)
        self.assertRegex(message, r"^(1 validation error|[0-9]+ validation errors) detected: ")
        if path[-1] == model.ENTRY:  # a map speaks of all its values at once
            path, words = path[:-1], "Map value must satisfy constraint: ["
        if not self.refused_as_a_whole(message, path):
            self.assertIn(words, message)
            self.assertIn(f"at '{model.wire_path(path)}' failed to satisfy constraint: ", message)

    def refused_as_a_whole(self, message, path):
        """The member, or what it is a part of, is not supported at all, and is named."""
        above = [model.wire_path(path[:length]) for length in range(1, len(path) + 1)]
        return any(f"'{place}' is not supported: " in message for place in above)

    def test_members_that_must_be_there_are_missed_by_name(self):
        for walk in self.WALKS:
            top = self.input_of(walk)
            examples = self.examples()
            for path, shape, required in self.places(walk):
                if not required:
                    continue
                with self.subTest(operation=walk.operation, member=".".join(path)):
                    request = examples.put(walk.request(), top, path, examples.of(shape))
                    for holder in model.value_at(request, path[:-1]):
                        holder.pop(path[-1], None)
                    refused = self.send(walk, request)
                    if f"{'.'.join(path)} required" in walk.deviations:
                        self.assertIsNone(refused, "a deviation that is none any more")
                        continue
                    self.assertIsNotNone(refused, "it was accepted")
                    self.assertEqual(refused[0], walk.refusal or self.missed)
                    if not self.refused_as_a_whole(refused[1], path):
                        self.assertIn(f"Value null at '{model.wire_path(path)}' failed to satisfy constraint: Member must not be null",
                                      refused[1])
