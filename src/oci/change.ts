// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from 'node:path'
import { PycdsError } from '../errors/index.js'
import { removeAbandoned, withLock } from '../util/staging.js'
import { withFiles } from './files.js'

/** How long a writer waits for another one. */
const LOCK_DEADLINE_MS = 60_000

/**
 * Changes a layout or archive while nobody else does, after removing what killed runs have left beside it.
 * @param subject what errors call it; those of `change` that the file system makes are translated
 * @param change gets the absolute path, at which there may be nothing yet
 */
export async function changePlace(
  path: string,
  subject: string,
  change: (target: string) => Promise<void>,
): Promise<void> {
  const target = resolve(path)
  await withFiles(subject, async () => {
    await removeAbandoned(dirname(target))
    await withLock(
      target,
      () => change(target),
      LOCK_DEADLINE_MS,
      (lock) => locked(subject, lock),
    )
  })
}

/** The error of a writer that waited for another one in vain. */
function locked(subject: string, lock: string): PycdsError {
  return new PycdsError('ENGINE_FAILED', {
    message: `${subject}: another process has been writing to it for ${LOCK_DEADLINE_MS / 1000} s`,
    hint: `Wait for it; if there is none, remove ${lock}.`,
  })
}
