// SPDX-License-Identifier: Apache-2.0
// Unites what several processes of a training run imported into the modules of one archive.
import type { ModuleCode } from '../../ports/index.js'
import { by } from '../../util/order.js'
import type { Training } from '../run/index.js'
import type { PythonGroup } from './interpreter.js'

export interface ModuleSelection {
  /** In the order of first import. */
  modules: ModuleCode[]
  /** Sorted by name. */
  leftOut: { name: string; reason: string }[]
}

/**
 * Chooses the modules of the archive. Of several with one name the first one keeps it; the others are named by their
 * path, by which they are found as well (native/trace/tracer.py does the same).
 * @param changed paths that are there only because of the training run; they are not in the image.
 */
export function selectModules(group: PythonGroup, changed: Training['changed']): ModuleSelection {
  const chosen = new Map<string, ModuleCode>()
  const leftOut = new Map<string, string>()
  for (const process of group.processes) {
    for (const { name, reason } of process.leftOut) leftOut.set(name, reason)
    for (const name of process.earlier) leftOut.set(name, 'it is imported before the hook can run')
    for (const module of process.modules) {
      const before = chosen.get(module.name)
      if (changed.has(module.origin))
        leftOut.set(module.name, 'its source is there only because of the training run')
      else if (!before) chosen.set(module.name, module)
      else if (before.origin !== module.origin) {
        const { origin } = module
        if (!chosen.has(origin)) chosen.set(origin, { ...module, name: origin, entry: origin })
      }
    }
  }
  for (const name of chosen.keys()) leftOut.delete(name)
  return {
    modules: [...chosen.values()],
    leftOut: [...leftOut].map(([name, reason]) => ({ name, reason })).sort(by('name')),
  }
}
