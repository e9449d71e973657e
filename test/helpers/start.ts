// SPDX-License-Identifier: Apache-2.0
// How an interpreter is started that is not simply a program of this machine: one in an unpacked root file
// system (scripts/base-image.sh --root) sees that as its own, with this machine's temporary directory and
// /proc; one of another processor runs in an emulator. Its path says which it is.
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, sep } from 'node:path'

export interface Start {
  file: string
  args: string[]
  env: Record<string, string>
}

/** Node's name of each ELF e_machine that can be started. */
const ARCHITECTURES: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64' }
const ENTER =
  'root=$0; dir=$1; cwd=$2; shift 2; mkdir -p "$root$dir"; mount --bind "$dir" "$root$dir"; mount --rbind /proc "$root/proc"; ' +
  'exec chroot "$root" /bin/sh -c \'cd "$0" && exec "$@"\' "$cwd" "$@"'

/** Where root file systems are unpacked. */
export const ROOTS = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pycds-image/roots')
/** Runs programs for aarch64, in any root: it is linked statically. */
export const EMULATOR = join(ROOTS, 'emulator/usr/bin/qemu-aarch64')
const EMULATORS: Readonly<Record<string, string>> = { x64: 'qemu-x86_64', arm64: EMULATOR }

/** The root file systems at hand. Of one that is just being unpacked it is not yet written down what it was made from. */
export function findRoots(): string[] {
  const names = existsSync(ROOTS) ? readdirSync(ROOTS) : []
  const made = names.filter((name) => names.includes(`${name}.made-from`))
  return made.map((name) => join(ROOTS, name)).filter((root) => existsSync(join(root, 'usr/bin')))
}

/** The root file system that holds a program, or '' for this machine's own. */
export function rootOf(path: string): string {
  return path.startsWith(ROOTS + sep) ? join(ROOTS, path.slice(ROOTS.length + 1).split(sep)[0] ?? '') : ''
}

/** Node's name of a program's processor; undefined for what is no program of a known one. */
export function architectureOf(path: string): string | undefined {
  if (!statSync(path).isFile()) return undefined
  const header = Buffer.alloc(20)
  const file = openSync(path, 'r')
  readSync(file, header, 0, header.length, 0)
  closeSync(file)
  return header.toString('latin1', 1, 4) === 'ELF' ? ARCHITECTURES[header.readUInt16LE(18)] : undefined
}

/** Where a file that an interpreter names lies on this machine. */
export function hostPath(interpreter: string, path: string): string {
  const root = rootOf(interpreter)
  const own = !root || path.startsWith(root) || path.startsWith(tmpdir() + sep)
  return own ? path : join(root, path)
}

/** Why an interpreter cannot be started here, or undefined. */
export function cannotStart(path: string): string | undefined {
  const architecture = architectureOf(path)
  if (architecture === undefined) return 'it is for an unknown processor'
  if (architecture !== process.arch) {
    const emulator = EMULATORS[architecture] ?? ''
    return isThere(emulator, ['--version']) ? undefined : `${emulator} is not installed`
  }
  if (!rootOf(path)) return undefined
  return isThere('unshare', [...namespaces(), 'true']) ? undefined : 'no mount namespace can be made'
}

/** The program, arguments and environment that run an interpreter in a directory. */
export function startOf(
  path: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd: string,
): Start {
  const root = rootOf(path)
  const architecture = architectureOf(path)
  if (architecture !== undefined && architecture !== process.arch) {
    // The emulator is a program of this machine: a library to preload would be loaded into itself.
    const settings = Object.entries(env).flatMap(([name, value]) => ['-E', `${name}=${value}`])
    const prefix = root ? ['-L', root] : []
    return {
      file: EMULATORS[architecture] ?? '',
      args: [...prefix, ...settings, path, ...args],
      env: { PATH: env.PATH ?? '' },
    }
  }
  if (!root) return { file: path, args: [...args], env }
  const inside = path.slice(root.length)
  return {
    file: 'unshare',
    args: [...namespaces(), 'sh', '-ec', ENTER, root, tmpdir(), cwd, inside, ...args],
    env,
  }
}

function namespaces(): string[] {
  return process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user']
}

function isThere(file: string, args: readonly string[]): boolean {
  try {
    execFileSync(file, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
