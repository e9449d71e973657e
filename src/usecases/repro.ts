// SPDX-License-Identifier: Apache-2.0
// Whether two bakes of one image gave the same layer, and if not, where they begin to differ.
import type { ModuleSelection } from '../learn/select/modules.js'
import type { NewLayer } from '../ports/index.js'

export interface Attempt {
  layer: NewLayer
  learned: { selection: ModuleSelection }
}

/** The first difference that explains two layers; undefined when they are the same, bit for bit. */
export function difference(first: Attempt, second: Attempt): string | undefined {
  if (first.layer.diffId === second.layer.diffId) return undefined
  const [a, b] = [first, second].map(({ learned }) => learned.selection.modules.map(({ name }) => name))
  if (!a || !b) return 'the layer'
  const only = (names: readonly string[], others: ReadonlySet<string>) =>
    names.find((name) => !others.has(name))
  const removed = only(a, new Set(b))
  if (removed !== undefined) return `${removed} was imported only in the first training run`
  const added = only(b, new Set(a))
  if (added !== undefined) return `${added} was imported only in the second training run`
  const at = a.findIndex((name, index) => name !== b[index])
  if (at !== -1)
    return `the order of imports: ${a[at]} came where ${b[at]} came later (threads import in any order)`
  const code = first.learned.selection.modules.find(
    ({ marshal }, index) => !second.learned.selection.modules[index]?.marshal.equals(marshal),
  )
  return code ? `the code of ${code.name}` : 'the layer, though not its modules'
}
