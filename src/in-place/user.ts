// SPDX-License-Identifier: Apache-2.0
// Users by name, as the USER of an image has them: looked up in the image's own files.
import { readFileSync } from 'node:fs'
import { PycdsError } from '../errors/index.js'

/** Whom a program runs as. */
export interface ProcessUser {
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/**
 * Finds `USER[:GROUP]`, each a name or a number; USAGE when a name is in no file.
 *
 * @param etc the directory of passwd and group
 */
export function findUser(text: string, etc = '/etc'): ProcessUser {
  const [user = '', group] = text.split(':')
  const entry = lines(`${etc}/passwd`).find(([name, , uid]) => name === user || uid === user)
  const uid = entry === undefined ? toId(user) : Number(entry[2])
  const found = lines(`${etc}/group`).find(([name, , gid]) => name === group || gid === group)
  const gid = group ? (found === undefined ? toId(group) : Number(found[2])) : Number(entry?.[3] ?? 0)
  if (uid === undefined || gid === undefined) {
    throw new PycdsError('USAGE', {
      message: `user ${text}: the image has no ${uid === undefined ? 'user' : 'group'} of that name`,
      hint: `Name one of ${etc}/${uid === undefined ? 'passwd' : 'group'}, or give a number.`,
    })
  }
  return { uid, gid, home: entry?.[5] || '/' }
}

/** The user that is to run programs in an environment that this process was given. */
export function trainee(text: string, environment: Readonly<Record<string, string>>): ProcessUser {
  const user = findUser(text)
  const own = findUser(String(process.getuid?.() ?? 0)).home
  // A HOME that the image sets is for all of its users. One that whoever started this process filled in is not.
  const isSet = environment.HOME !== undefined && environment.HOME !== own
  return { ...user, home: (isSet && environment.HOME) || user.home }
}

function toId(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined
}

function lines(path: string): string[][] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(':'))
  } catch {
    return [] // an image of one program may have neither
  }
}
