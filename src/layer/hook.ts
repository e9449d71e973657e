// SPDX-License-Identifier: Apache-2.0
// The runtime beside the site directory's packages, and the line that has `site` load it.
import type { LayerFile } from '../ports/index.js'

const RUNTIME_NAME = '_pycds.abi3.so'
/** `site` reads .pth files in order of name; this one must come before those that import. The tracer knows it, too. */
const HOOK_NAME = '00-pycds.pth'
/** By this, native/cpython/one_off.c knows the hook of an earlier bake, also of another version. */
const START = 'import os; exec("try:\\n import _pycds\\nexcept Exception:\\n pass") '

/** Waits for PYCDS_ARCHIVE or PYCDS_LEARN, or takes the runtime's own idea of where to look. */
export type Hook = 'variable' | 'by-itself'

const VARIABLES = 'os.environ.get("PYCDS_ARCHIVE") or os.environ.get("PYCDS_LEARN")'
const TEXTS: Readonly<Record<Hook, string>> = {
  variable: `${START}if (${VARIABLES}) and os.environ.get("PYCDS") != "off" else None\n`,
  // An empty PYCDS_ARCHIVE is a choice too.
  'by-itself': `${START}if os.environ.get("PYCDS_ARCHIVE", "-") and os.environ.get("PYCDS") != "off" else None\n`,
}

/** The files of the hook in each of some site directories, given as absolute paths. */
export function hookFiles(siteDirectories: readonly string[], runtime: Buffer, hook: Hook): LayerFile[] {
  return siteDirectories.flatMap((directory) => [
    { path: `${directory}/${RUNTIME_NAME}`, mode: 0o644, body: runtime },
    { path: `${directory}/${HOOK_NAME}`, mode: 0o644, body: Buffer.from(TEXTS[hook]) },
  ])
}
