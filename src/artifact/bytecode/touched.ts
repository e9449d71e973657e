// SPDX-License-Identifier: Apache-2.0
// Which packages a training run touched: what it imported of them is in the archive, what it did not import
// may be imported later.
import type { PythonGroup } from '../../learn/select/interpreter.js'
import { by } from '../../util/order.js'

/** The source files of one package, or of one module that stands alone. */
export interface SourceRoot {
  name: string
  /** Absolute: the directory of a package, or the file of a module. */
  path: string
  isPackage: boolean
}

/** The outermost packages and modules that the processes executed from source, sorted by path. */
export function touchedPackages(group: Pick<PythonGroup, 'processes'>): SourceRoot[] {
  const roots = new Map<string, SourceRoot>()
  const modules = group.processes.flatMap((process) => process.modules)
  // Parents first. A namespace package has no source and is no root: its portions are.
  for (const { name, origin, isPackage } of modules.sort((a, b) => depth(a.name) - depth(b.name))) {
    const path = isPackage ? origin.slice(0, origin.lastIndexOf('/')) : origin
    const inside = [...roots.values()].some((root) => root.isPackage && path.startsWith(`${root.path}/`))
    if (!inside) roots.set(path, { name, path, isPackage })
  }
  return [...roots.values()].sort(by('path'))
}

function depth(name: string): number {
  return name.split('.').length
}
