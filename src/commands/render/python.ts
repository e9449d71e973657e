// SPDX-License-Identifier: Apache-2.0

/** An interpreter as results have it: its version, and the file that holds it. */
export function formatPython(python: {
  version: string
  executable: string
  library: string | null
}): string {
  return `${python.version}  ${python.library ?? python.executable}`
}
