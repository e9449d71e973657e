// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { PycdsError } from '../errors/index.js'
import { findUser, type ImageUser } from '../image/index.js'

/**
 * The user that is to run programs in an environment that this process was given; USAGE when a name is in no file.
 *
 * @param text USER[:GROUP]
 * @param etc the directory of passwd and group
 */
export function trainee(
  text: string,
  environment: Readonly<Record<string, string>>,
  etc = '/etc',
): ImageUser {
  const files = { passwd: read(`${etc}/passwd`), group: read(`${etc}/group`) }
  const user = findUser(text, files)
  if ('unknown' in user) {
    throw new PycdsError('USAGE', {
      message: `user ${text}: the image has no ${user.unknown} of that name`,
      hint: `Name one of ${etc}/${user.unknown === 'user' ? 'passwd' : 'group'}, or give a number.`,
    })
  }
  const own = findUser(String(process.getuid?.() ?? 0), files)
  // A HOME that the image sets is for all of its users. One that whoever started this process filled in is not.
  const isSet = environment.HOME !== undefined && !('home' in own && own.home === environment.HOME)
  return { ...user, home: (isSet && environment.HOME) || user.home }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // an image of one program may have neither
  }
}
