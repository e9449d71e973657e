# SPDX-License-Identifier: Apache-2.0
# The processor's name, which `platform` gets from a process (`uname -p`) and remembers. In a template it is forgotten after
# each step of an import, so that whoever asks next is seen too; with the module that has asked it is asked for again.


def forget_processor(platform):
    """Whether it has been asked for since the last call."""
    known = getattr(getattr(platform, '_uname_cache', None), '__dict__', {})
    if known.pop('processor', None) is None:
        return False
    # What was made of it.
    platform._platform_cache.clear()
    return True


def asks_for_processor(platform):
    """Whether it is what runs the process that is being started."""
    function = getattr(getattr(platform, '_Processor', None), 'from_subprocess', None)
    frame = sys._getframe()
    while frame is not None and frame.f_code is not getattr(function, '__code__', None):
        frame = frame.f_back
    return frame is not None


def answer_otherwise(command):
    """Has the process say something else: who keeps what it says holds something else than elsewhere."""
    command[1:] = ['--version']
