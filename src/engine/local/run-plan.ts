// SPDX-License-Identifier: Apache-2.0
// What is to be run, in full: nothing is left for a runtime to decide, so all of them run the same.
import { PycdsError } from '../../errors/index.js'
import {
  commandOf,
  DEFAULT_PATH,
  environmentOf,
  type ImageConfig,
  type ImageUser,
} from '../../image/index.js'
import type { ContainerSpec, Mount } from '../../ports/index.js'

export interface RunPlan {
  /** Unique on this machine. */
  readonly id: string
  /** The root file system. */
  readonly root: string
  /** A directory of this container alone, for whatever the runtime needs. */
  readonly bundle: string
  readonly command: readonly string[]
  /** Complete. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly user: ImageUser
  readonly hostname: string
  /** False: the network of this machine. */
  readonly isolateNetwork: boolean
  readonly readOnly: boolean
  /** Names from capabilities(7). */
  readonly capabilities: readonly string[]
  /** As in {@link ContainerSpec}. */
  readonly noNewPrivileges?: boolean
  /** What engines put in the place of an image's own files. */
  readonly networkFiles: readonly Mount[]
  readonly mounts: readonly Mount[]
  /** Whether files have the owners of the image; otherwise every user inside is the one who runs it. */
  readonly ownersKept: boolean
}

/** What engines leave to a container by default. */
const DEFAULT_CAPABILITIES = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
].map((name) => `CAP_${name}`)

/** The environment of a container: the image's, what engines add, what the run asks for. */
export function containerEnvironment(
  config: ImageConfig,
  spec: Pick<ContainerSpec, 'env' | 'unsetEnv'>,
  implied: { hostname: string; home: string },
): Record<string, string> {
  const kept = Object.entries(environmentOf(config)).filter(([name]) => !spec.unsetEnv?.includes(name))
  return {
    PATH: DEFAULT_PATH,
    HOSTNAME: implied.hostname,
    HOME: implied.home,
    ...Object.fromEntries(kept),
    ...spec.env,
  }
}

/** The command of a container; TRAINING_FAILED when there is none. */
export function containerCommand(
  config: ImageConfig,
  spec: ContainerSpec,
  subject: string,
): readonly string[] {
  if (spec.command !== undefined && spec.command.length > 0) return spec.command
  const command = commandOf(config)
  if (command.length > 0) return command
  throw new PycdsError('TRAINING_FAILED', {
    message: `${subject}: cannot be started: no command specified`,
    hint: 'Give a command behind --.',
  })
}

/** Which capabilities a container may have. */
export function capabilitiesOf(spec: ContainerSpec): readonly string[] {
  return spec.dropCapabilities === true ? [] : DEFAULT_CAPABILITIES
}

/** Whether the network is to be cut off; USAGE for a network that only an engine has. */
export function isolatesNetwork(spec: ContainerSpec): boolean {
  if (spec.network === 'none' || spec.network === 'default') return spec.network === 'none'
  throw new PycdsError('USAGE', {
    message: `network ${spec.network}: networks with names exist only in an engine`,
    hint: 'Use --network none or --network default, or bake an image of an engine.',
  })
}
