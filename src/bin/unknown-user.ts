// SPDX-License-Identifier: Apache-2.0
// oclif and its helpers ask the system for the home and the shell of this user, some of them as they are loaded, and
// fail where nobody knows the user: `docker run --user 1000`, runAsUser, OpenShift. Imported before them, this answers
// in the system's place, as engines do for a user without an entry. No variable is set: runs may be given ours.
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'

const HOME = '/'

if (!isKnown()) {
  os.homedir = () => process.env.HOME || HOME
  os.userInfo = (() => ({
    username: String(process.getuid?.()),
    uid: process.getuid?.() ?? -1,
    gid: process.getgid?.() ?? -1,
    homedir: os.homedir(),
    shell: '/bin/sh',
  })) as typeof os.userInfo
  syncBuiltinESMExports()
}

function isKnown(): boolean {
  try {
    os.userInfo()
    return true
  } catch {
    return false
  }
}
