# SPDX-License-Identifier: Apache-2.0
# Records in files: as JSON, without the module of that name.

import io


def json_of(value):
    if value is None or value is True or value is False:
        return {None: 'null', True: 'true', False: 'false'}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        characters = []
        for character in value:
            code = ord(character)
            if character in '"\\':
                characters.append('\\' + character)
            elif 32 <= code < 127:
                characters.append(character)
            elif code < 0x10000:
                characters.append('\\u%04x' % code)
            else:
                code -= 0x10000
                characters.append('\\u%04x\\u%04x' % (0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF)))
        return '"%s"' % ''.join(characters)
    if isinstance(value, dict):
        return '{%s}' % ', '.join('%s: %s' % (json_of(k), json_of(v)) for k, v in value.items())
    return '[%s]' % ', '.join(map(json_of, value))


def value_of(text):
    return eval(text, {'null': None, 'true': True, 'false': False, '__builtins__': {}})


def read_record(path):
    with io.open(path, encoding='utf-8') as file:
        return value_of(file.read())


def write_record(path, record):
    """
    What modules hold goes into a file of its own, beside the record: a template that is frozen has no use for it, and
    texts that an interpreter reads may stay in it for ever.
    """
    held = {about['name']: [about.pop('values'), about.pop('orderless'), about.pop('held')] for about in record['modules']}
    for name, document in ((path, record), (path + '.values', held)):
        with io.open(name, 'w', encoding='utf-8') as file:
            file.write(json_of(document) + '\n')


def read_names(path):
    with io.open(path, encoding='utf-8') as file:
        return file.read().split()
