# SPDX-License-Identifier: Apache-2.0
# The directory of a user, which `sysconfig` finds by HOME and remembers among all that it knows of the installation: whoever asks
# it for anything else has read the variable, too. What it remembers is emptied before the freeze (taken.py), so nobody has
# the answer but who has kept it: in the second template that is watched it is another one.


def asks_for_user_base(recorder):
    """Whether it is `sysconfig` that reads a variable, for what it remembers."""
    function = namespace_of(recorder.modules.get('sysconfig')).get('_getuserbase')
    if type(function) is not FUNCTION or 'sysconfig' in recorder.base:
        return False
    frame = sys._getframe()
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back
    return frame is not None


def move_user_base(recorder):
    """`site` has found it before any import: who has kept what that remembers has something else here than elsewhere."""
    namespace = namespace_of(recorder.base.get('site'))
    for name in ('USER_BASE', 'USER_SITE'):
        if ELSEWHERE and type(namespace.get(name)) is str:
            namespace[name] = '/elsewhere'
