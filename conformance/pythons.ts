// SPDX-License-Identifier: Apache-2.0
// The interpreters that take part: those of this machine that tests find, and what a run needs to know of them.

import { run } from '../bench/shell.js'
import { type Python as Found, findAllPythons, minorOf, PATH } from '../test/helpers/interpreters.js'
import { rootOf } from '../test/helpers/start.js'

export interface Python {
  readonly path: string
  readonly version: string
  readonly minor: number
  /** Its code lies in a libpython. */
  readonly shared: boolean
  /** Existing ones, in the order in which `site` reads them. */
  readonly siteDirectories: readonly string[]
}

/** What is asked for a list says nothing else: without `site`, whose customizations may print. */
export const ALONE = ['-I', '-S'] as const
/** Which directories these are, `site` knows, so that others may print before and after. */
const TOLD = 'pycds-site-directory:'
const SITE_DIRECTORIES = `import os, site
for path in site.getsitepackages():
    if os.path.isdir(path):
        print("\\n${TOLD}" + path)`

/** What every process of a run has in its environment besides. */
export const SEARCH_PATH = PATH

/**
 * The interpreter of a version such as `3.13` or `3.13.0`; without one that of the distribution, or the newest.
 * @throws an Error that names those at hand
 */
export async function choosePython(version: string | undefined): Promise<Python> {
  const all = findAllPythons().filter((one) => rootOf(one.path) === '')
  const [chosen] = all
    .filter((one) => version === undefined || `${one.version}.`.startsWith(`${version}.`))
    .sort((a, b) => rank(a) - rank(b) || minorOf(b) - minorOf(a))
  if (!chosen) {
    const known = all.map((one) => one.version).join(', ') || 'none'
    throw new Error(
      `no CPython ${version ?? ''} at hand that is supported (at hand: ${known}); install one, or name it in PYCDS_TEST_PYTHONS`,
    )
  }
  const told = await run(chosen.path, ['-I', '-c', SITE_DIRECTORIES], { env: { PATH } })
  return {
    ...{ path: chosen.path, version: chosen.version, minor: minorOf(chosen), shared: chosen.shared },
    siteDirectories: told
      .split('\n')
      .flatMap((line) => (line.startsWith(TOLD) ? [line.slice(TOLD.length)] : [])),
  }
}

/** What was named comes first, then that of the distribution. */
function rank({ path, named }: Found): number {
  return named ? 0 : path.startsWith('/usr/bin/') ? 1 : 2
}
