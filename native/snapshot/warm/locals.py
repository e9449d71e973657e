# SPDX-License-Identifier: Apache-2.0
# Objects of asgiref's class Local that imports have made: older versions give each a name of letters, which are drawn from the
# generator that all share. In each process they are drawn again, in the same order, so names and generator become what they
# would be, whatever that was seeded with. Only where all that was drawn is in these names.


class Locals:
    def __init__(self):
        self.known = {}  # by address: who has made it, and it
        self.state = None  # of the generator, at the last call

    def take(self, owner, modules, objects):
        """
        Those that were made since the last call, in their order; None: not all that was drawn is in their names.

        :param objects: a function: all that the collector knows
        """
        kind = namespace_of(modules.get('asgiref.local')).get('Local')
        generator = namespace_of(modules.get('random')).get('_inst')
        # Newer versions keep what they hold elsewhere.
        if not hasattr(kind, '_get_context_id') or generator is None:
            return []
        before, self.state = self.state, generator.getstate()
        if before is None or before == self.state:
            return []
        made = [one for one in objects() if type(one) is kind and id(one) not in self.known]
        fresh = {vars(one).get('_attr_name'): one for one in made}
        generator.setstate(before)
        drawn = [draw_letters(modules['asgiref.local']) for _ in fresh]
        is_all = generator.getstate() == self.state
        generator.setstate(self.state)
        found = [one for letters in drawn for name, one in fresh.items() if name == name_of_local(one, letters)]
        if not is_all or len(found) < len(made):
            return None
        self.known.update((id(one), (owner, one)) for one in made)
        return found

    def used(self):
        """Who has made those that hold something for a thread or a task already, under their names."""
        return {owner for owner, one in self.known.values() if len(vars(one)['_context_refs']) > 0}
