// SPDX-License-Identifier: Apache-2.0
// Who the USER of an image is, by the image's own files, as engines have it.

/** Whom a program of an image runs as. */
export interface ImageUser {
  readonly uid: number
  readonly gid: number
  /** Further groups. */
  readonly groups: readonly number[]
  readonly home: string
}

/** Their text; empty where an image has none. */
export interface UserFiles {
  readonly passwd: string
  readonly group: string
}

/** A name that is in no file. */
export interface UnknownUser {
  readonly unknown: 'user' | 'group'
  readonly name: string
}

const MAX_ID = 2 ** 32 - 2

/** Finds `USER[:GROUP]`, each a name or a number; the empty text is root. */
export function findUser(text: string, files: UserFiles): ImageUser | UnknownUser {
  const [user = '', group = ''] = text.split(':')
  const wanted = user === '' ? '0' : user
  const number = toId(wanted)
  const entry = rows(files.passwd).find(([name, , id]) =>
    number === undefined ? name === wanted : toId(id) === number,
  )
  const uid = toId(entry?.[2]) ?? number
  if (uid === undefined) return { unknown: 'user', name: wanted }
  const home = entry?.[5] || '/'
  const groups = rows(files.group)
  if (group !== '') {
    const gid = toId(group) ?? toId(groups.find(([name]) => name === group)?.[2])
    // Who is given a group has no other.
    return gid === undefined ? { unknown: 'group', name: group } : { uid, gid, groups: [], home }
  }
  const name = entry?.[0]
  const further = groups
    .filter(([, , , members]) => name !== undefined && members?.split(',').includes(name))
    .flatMap(([, , id]) => toId(id) ?? [])
  return { uid, gid: toId(entry?.[3]) ?? 0, groups: [...new Set(further)], home }
}

function rows(file: string): string[][] {
  return file.split('\n').map((line) => line.split(':'))
}

function toId(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined
}
