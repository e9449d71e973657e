// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core'

/** An option that may be given again. */
export const LIST = { multiple: true, multipleNonGreedy: true } as const

/** In the place of a training: containers learn, as `prepare` has it. */
export const LEARN = 'learn'

/** Of runs, unless something else is asked for. */
export const STOP_GRACE = '2s'

/** How a run inside the image is watched: shared by every command that starts one. */
export const trainingFlags = {
  ready: Flags.string({
    ...LIST,
    summary:
      'when the run has seen enough: health, port:8000, http:8000/healthz, log:/regex/, cmd:..., exit, quiet:2s (without a new import), timer:5s; repeatable, the first wins; default: the HEALTHCHECK of the image, else its exposed ports, else exit or quiet:2s',
    helpValue: 'SPEC',
  }),
  timeout: Flags.string({ default: '120s', summary: 'give up on a run after this time', helpValue: 'TIME' }),
}

/** What is asked of an application that is ready. */
export const probeFlag = {
  probe: Flags.string({
    ...LIST,
    summary:
      'after it is ready, a request (GET:8000/path) or a program (exec:program argument) that reaches what is imported only then; repeatable',
    helpValue: 'SPEC',
  }),
}

/** What a training run does, and when it has failed. */
export const runFlags = {
  ...probeFlag,
  'stop-grace': Flags.string({
    default: STOP_GRACE,
    summary: "time between the image's stop signal and SIGKILL",
    helpValue: 'TIME',
  }),
  'on-train-failure': Flags.option({
    options: ['fail', 'keep'] as const,
    default: 'fail' as const,
    summary: 'when the application crashed after some imports: stop, or keep what was seen',
  })(),
}

/** How an archive is made, wherever it goes. */
export const bakeFlags = {
  ...runFlags,
  validate: Flags.option({
    options: ['stat', 'hash', 'none'] as const,
    default: 'stat' as const,
    summary: "how a module's source is checked at run time before its archived code is used",
  })(),
}

/** For which packages bytecode is added that an image does not have. */
export const pycFlag = (mode: 'auto' | 'off') =>
  Flags.option({
    options: ['auto', 'off', 'all'] as const,
    default: mode,
    summary:
      'add missing .pyc files for modules outside the archive: of packages without any, never, or of every package that was touched',
  })()

/** What is shown while the work goes on; all of it goes to stderr. */
export const progressFlags = {
  progress: Flags.option({
    options: ['auto', 'plain', 'quiet', 'rawjson'] as const,
    default: 'auto' as const,
    summary: 'live on a terminal, one line per step, only warnings, or one JSON object per event',
  })(),
  'app-output': Flags.option({
    options: ['show', 'hide'] as const,
    default: 'hide' as const,
    summary: 'whether what the application prints is shown on stderr, each line with a prefix',
  })(),
}

/** Variables that are not in the image; none of them is written anywhere. */
export const environmentFlags = {
  'train-env': Flags.string({
    ...LIST,
    summary: 'variable for runs of the image during this command only: NAME=VALUE, or NAME as it is here',
    helpValue: 'NAME=VALUE',
  }),
  'train-env-file': Flags.string({
    ...LIST,
    summary: 'variables for runs of the image during this command only, from a file of such lines',
    helpValue: 'FILE',
  }),
}

/** What a run is given that is not in its image; none of it is written anywhere. */
export const surroundingsFlags = {
  ...environmentFlags,
  mount: Flags.string({
    ...LIST,
    summary: 'directory, file or volume for runs of the image during this command only',
    helpValue: 'SOURCE:TARGET[:ro]',
  }),
  network: Flags.string({
    default: 'none',
    summary: 'network of runs of the image during this command: none, default, or a name',
    helpValue: 'NAME',
  }),
  'add-host': Flags.string({
    ...LIST,
    summary: 'host name for runs of the image during this command only',
    helpValue: 'NAME:ADDRESS',
  }),
}

/** For images in registries: what of them is kept. */
const registryFlags = {
  'cache-dir': Flags.string({
    summary: 'keep what is read of registries in this directory for later commands; default: until the end',
    helpValue: 'DIR',
  }),
  'cache-size': Flags.string({
    summary:
      'with --cache-dir, so much may stay in it; what was not used for longest goes first; default: 10GB',
    helpValue: 'SIZE',
    dependsOn: ['cache-dir'],
  }),
}

/** For images in layouts, archives and registries: which one, and what runs it. */
export const locationFlags = {
  ...registryFlags,
  platform: Flags.string({
    summary: 'the image of an index to work on; default: the one for this machine',
    helpValue: 'OS/ARCH',
  }),
  runtime: Flags.option({
    options: ['crun', 'runc', 'bubblewrap', 'namespaces', 'chroot'] as const,
    summary: 'what runs images that are in no engine; default: the first of these that works',
  })(),
}

/** The new image: its name, and where it goes. */
export const newImageFlags = {
  tag: Flags.string({
    char: 't',
    summary: 'name of the new image; default: the old one with -cds behind its tag',
    helpValue: 'NAME',
  }),
  output: Flags.string({
    char: 'o',
    summary:
      'where the new image goes, as oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or registry:HOST/REPO[:TAG], or a name in the engine',
    helpValue: 'LOCATION',
  }),
}

/** {@link locationFlags} for a command that works on several images of an index. */
export const platformsFlag = {
  platform: Flags.string({
    ...LIST,
    delimiter: ',',
    summary:
      'the images of an index to bake, as linux/amd64,linux/arm64; repeatable; the others stay as they are; default: the one for this machine',
    helpValue: 'OS/ARCH',
  }),
}
