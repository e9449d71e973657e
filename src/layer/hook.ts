// SPDX-License-Identifier: Apache-2.0
// The runtime beside the site directory's packages, and the line that has `site` load it.
import { HOOK_NAME, HOOK_START, RUNTIME_NAME } from '../marks/places.js'
import type { LayerFile } from '../ports/index.js'

/** Waits for PYCDS_ARCHIVE or PYCDS_LEARN, or takes the runtime's own idea of where to look. */
export type Hook = 'variable' | 'by-itself'

const VARIABLES = 'os.environ.get("PYCDS_ARCHIVE") or os.environ.get("PYCDS_LEARN")'
const TEXTS: Readonly<Record<Hook, string>> = {
  variable: `${HOOK_START}if (${VARIABLES}) and os.environ.get("PYCDS") != "off" else None\n`,
  // An empty PYCDS_ARCHIVE is a choice too.
  'by-itself': `${HOOK_START}if os.environ.get("PYCDS_ARCHIVE", "-") and os.environ.get("PYCDS") != "off" else None\n`,
}

/** The files of the hook in each of some site directories, given as absolute paths. */
export function hookFiles(siteDirectories: readonly string[], runtime: Buffer, hook: Hook): LayerFile[] {
  return siteDirectories.flatMap((directory) => [
    { path: `${directory}/${RUNTIME_NAME}`, mode: 0o644, body: runtime },
    { path: `${directory}/${HOOK_NAME}`, mode: 0o644, body: Buffer.from(TEXTS[hook]) },
  ])
}
