# SPDX-License-Identifier: Apache-2.0
# What an import makes of today's date, or of the time of the day: a library that tells how long it goes on with this version of
# Python compares it with a date that it has. In a template that is watched who asks gets one that tells with what it is compared,
# as event ('finds', 'date', question, answer): the answer is the condition, which each process looks at with its own clock. So a
# template of another time answers comparisons as of now; whatever else is made of a date there is left otherwise.

# By class of `datetime`: what asks it for the time.
ASKED_FOR_DATES = {'date': 'today', 'datetime': 'now'}
COMPARISONS = '__lt__', '__le__', '__gt__', '__ge__', '__eq__', '__ne__'


class Dates:
    """Those that imports of a template that is watched have got."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.known = {}  # by address: (one of them, what it would be now)

    def watch(self, module):
        for name, function in ASKED_FOR_DATES.items():
            of = namespace_of(module)[name]
            watch_calls(NAMESPACE_OF_TYPE(of)[function], self.noting(of, self.class_of(of)))

    def noting(self, of, watched):
        return lambda args, named, result, error: self.note(of, watched, args, named, result)

    def note(self, of, watched, args, named, result):
        recorder = self.recorder
        is_own = recorder.inside or recorder.idle or not recorder.stack[-1]
        if is_own or args or named or type(result) is not of:
            return None
        parts = [getattr(result, name) for name in PARTS_OF_DATES if hasattr(result, name)]
        one = watched(*parts)
        self.known[id(one)] = one, earlier(result)
        return one

    def class_of(self, of):
        def comparing(comparison):
            original = getattr(of, comparison)

            def compare(one, other):
                known = self.known.get(id(one))
                if known is None or known[0] is not one or type(other) is not of or getattr(other, 'tzinfo', None) is not None:
                    return original(one, other)
                answer = original(known[1], other)
                if self.recorder.stack[-1] and not self.recorder.inside and not self.recorder.idle:
                    self.recorder.program.finds('date', ' '.join((of.__name__, comparison, other.isoformat())), answer)
                return answer

            return compare

        methods = {comparison: comparing(comparison) for comparison in COMPARISONS}
        return type(of.__name__, (of,), {'__slots__': (), '__hash__': of.__hash__, '__module__': of.__module__, **methods})


PARTS_OF_DATES = 'year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond'


def earlier(date):
    """As it would be now, of a template of another time."""
    import _datetime

    if not LATER_SECONDS:
        return date
    if isinstance(date, _datetime.datetime):
        return date - _datetime.timedelta(seconds=LATER_SECONDS)
    return _datetime.date.fromtimestamp(__import__('time').time() - LATER_SECONDS)


def place_of_date(question, modules):
    """The question with what this template has: (what asks for the time, the comparison, with what)."""
    name, comparison, text = question.split(' ')
    of = namespace_of(modules['_datetime'])[name]
    return getattr(of, ASKED_FOR_DATES[name]), comparison, of.fromisoformat(text)


def is_date_as_then(place, answer):
    ask, comparison, other = place
    return getattr(ask(), comparison)(other) is answer
