// SPDX-License-Identifier: Apache-2.0
// Who a USER of an image is, by the image's own passwd and group files.
import { PycdsError } from '../../errors/index.js'

/** A user inside a container. */
export interface ContainerUser {
  readonly uid: number
  readonly gid: number
  /** Further groups. */
  readonly groups: readonly number[]
  readonly home: string
}

/** Resolves `NAME`, `UID`, either with `:GROUP`; the empty text is root. TRAINING_FAILED for unknown names. */
export async function resolveUser(
  text: string,
  read: (path: string) => Promise<Buffer | undefined>,
  subject: string,
): Promise<ContainerUser> {
  const [user = '', group] = (text === '' ? '0' : text).split(':')
  const passwd = rows(await read('/etc/passwd'))
  const groups = rows(await read('/etc/group'))
  const entry = passwd.find(([name, , uid]) =>
    isNumber(user) ? Number(uid) === Number(user) : name === user,
  )
  const uid = numberOf(entry?.[2]) ?? numberOf(user)
  if (uid === undefined) throw unknown(subject, 'user', user)
  const gid = group === undefined ? (numberOf(entry?.[3]) ?? 0) : groupOf(group, groups, subject)
  const name = entry?.[0]
  // As engines do: who is given a group has no other.
  const further =
    group !== undefined || name === undefined
      ? []
      : groups
          .filter(([, , , members]) => members?.split(',').includes(name))
          .flatMap(([, , id]) => numberOf(id) ?? [])
  return { uid, gid, groups: [...new Set(further)], home: entry?.[5] || '/' }
}

function groupOf(group: string, groups: readonly string[][], subject: string): number {
  const gid = numberOf(group) ?? numberOf(groups.find(([name]) => name === group)?.[2])
  if (gid === undefined) throw unknown(subject, 'group', group)
  return gid
}

function rows(file: Buffer | undefined): string[][] {
  return (file?.toString() ?? '').split('\n').map((line) => line.split(':'))
}

function isNumber(text: string): boolean {
  return numberOf(text) !== undefined
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1
    ? Number(text)
    : undefined
}

function unknown(subject: string, what: string, name: string): PycdsError {
  return new PycdsError('TRAINING_FAILED', {
    message: `${subject}: cannot be started: it has no ${what} ${JSON.stringify(name)}`,
    hint: 'Check the USER of the image, or give a number.',
  })
}
