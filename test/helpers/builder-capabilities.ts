// SPDX-License-Identifier: Apache-2.0

/** What the oldest supported builder answers, as far as it is needed. */
export const OLD_BUILDER = {
  frontendAPICaps: enabled(
    'solve.base',
    'return',
    'proto.refarray',
    'reference.output',
    'readfile',
    'statfile',
    'resolveimage',
  ),
  llbCaps: enabled(
    ...['exec.meta.base', 'exec.meta.network', 'exec.mount.bind', 'exec.mount.selector', 'exec.mount.tmpfs'],
    'file.base',
  ),
}

function enabled(...ids: string[]): { id: string; enabled: boolean }[] {
  return ids.map((id) => ({ id, enabled: true }))
}
