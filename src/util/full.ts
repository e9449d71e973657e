// SPDX-License-Identifier: Apache-2.0

const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT']

/** Whether an operation on files failed for want of room: of the file system, or of what this user may have of it. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && FULL.includes((error as NodeJS.ErrnoException).code)
}
