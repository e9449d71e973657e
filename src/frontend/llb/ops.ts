// SPDX-License-Identifier: Apache-2.0
// The operations that this frontend needs. Zero means something in most of their numbers, so "none" is -1.
import { MountType, NetMode } from '../gen/ops_pb.js'
import { addOp, type OpNote, type State } from './state.js'

const NONE = -1n
/** Of a mode or a time: as in the source. */
const KEEP = -1

export interface Platform {
  readonly architecture: string
  readonly os: string
  readonly variant: string
}

/** A directory of a command's file system. */
export type Mount =
  /** A state, or nothing yet; what the command writes becomes an output, unless nobody asks for it. */
  | { readonly at: string; readonly from?: State; readonly kind: 'output' }
  /** A state, or a directory of it, that the command cannot change. */
  | { readonly at: string; readonly from: State; readonly kind: 'input'; readonly directory?: string }
  | { readonly at: string; readonly kind: 'memory' }

export interface Command {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly mounts: readonly Mount[]
  readonly platform: Platform
}

/** Runs a command as root without a network; returns its outputs in the order of the mounts of that kind. */
export function run(command: Command, note: OpNote): State[] {
  const inputs: State[] = []
  let outputs = 0
  const mounts = command.mounts.map((mount) => {
    const from = mount.kind === 'memory' ? undefined : mount.from
    return {
      dest: mount.at,
      input: from === undefined ? NONE : BigInt(indexIn(inputs, from)),
      output: mount.kind === 'output' ? BigInt(outputs++) : NONE,
      readonly: mount.kind === 'input',
      selector: mount.kind === 'input' ? (mount.directory ?? '') : '',
      mountType: mount.kind === 'memory' ? MountType.TMPFS : MountType.BIND,
    }
  })
  const output = addOp(
    {
      platform: command.platform,
      op: {
        case: 'exec',
        value: {
          meta: { args: [...command.args], env: [...command.env], cwd: command.cwd, user: '' },
          mounts,
          network: NetMode.NONE,
        },
      },
    },
    inputs,
    note,
  )
  return Array.from({ length: outputs }, (_, index) => output(index))
}

/** Puts the content of a directory of `from` over `base`; modes, owners and times stay as they are. */
export function copyOver(
  base: State,
  from: State,
  directory: string,
  platform: Platform,
  note: OpNote,
): State {
  const copy = {
    src: directory,
    dest: '/',
    mode: KEEP,
    timestamp: BigInt(KEEP),
    dirCopyContents: true,
    createDestPath: true,
  }
  const action = { input: 0n, secondaryInput: 1n, output: 0n, action: { case: 'copy' as const, value: copy } }
  return addOp({ platform, op: { case: 'file', value: { actions: [action] } } }, [base, from], note)(0)
}

/** A file system of the given files, which lie in its root. */
export function files(content: Readonly<Record<string, Buffer>>, platform: Platform, note: OpNote): State {
  const entries = Object.entries(content)
  const actions = entries.map(([name, data], index) => ({
    // Each action goes on from the one before it: numbers behind those of the inputs, of which there are none.
    input: index === 0 ? NONE : BigInt(index - 1),
    secondaryInput: NONE,
    output: index === entries.length - 1 ? 0n : NONE,
    action: { case: 'mkfile' as const, value: { path: `/${name}`, mode: 0o444, data, timestamp: 0n } },
  }))
  return addOp({ platform, op: { case: 'file', value: { actions } } }, [], note)(0)
}

/** The file system of an image in a registry, or in the builder's own store. */
export function image(reference: string, resolveMode: string, platform: Platform, note: OpNote): State {
  const attrs: Record<string, string> = resolveMode === '' ? {} : { 'image.resolvemode': resolveMode }
  return addOp(
    { platform, op: { case: 'source', value: { identifier: `docker-image://${reference}`, attrs } } },
    [],
    note,
  )(0)
}

/** Some files of a directory on the client's machine. */
export function local(name: string, session: string, paths: readonly string[], note: OpNote): State {
  const attrs = {
    'local.session': session,
    'local.includepattern': JSON.stringify(paths),
    // Files that were sent for the same directory before are not sent again.
    'local.sharedkeyhint': `pycds-${name}`,
  }
  return addOp({ op: { case: 'source', value: { identifier: `local://${name}`, attrs } } }, [], note)(0)
}

function indexIn(inputs: State[], state: State): number {
  const known = inputs.findIndex((one) => one.digest === state.digest && one.index === state.index)
  if (known >= 0) return known
  inputs.push(state)
  return inputs.length - 1
}
