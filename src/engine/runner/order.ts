// SPDX-License-Identifier: Apache-2.0
// What the runner of this package is told to run; native/static/runner.c explains the letters.
import { inPackage } from '../../util/package-root.js'

export const RUNNER = inPackage(`prebuilds/linux-${process.arch}/pycds-run`)

/** One command and who runs it. */
export interface Order {
  readonly root: string
  readonly cwd: string
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  readonly command: readonly string[]
  /** Complete. */
  readonly env: Readonly<Record<string, string>>
}

export function fieldsOf({ root, cwd, user, command, env }: Order): string[] {
  return [
    `r${root}`,
    `w${cwd}`,
    `u${user.uid}`,
    `g${user.gid}`,
    ...user.groups.map((id) => `s${id}`),
    ...command.map((word) => `a${word}`),
    ...Object.entries(env).map(([name, value]) => `e${name}=${value}`),
  ]
}

/** As it is written to the runner's descriptor 3. */
export function encodeOrder(fields: readonly string[]): Buffer {
  return Buffer.from(fields.map((field) => `${field}\0`).join(''))
}
