import { z } from 'zod'
import { Argument } from './argument.ts'
import { Bytes, MOST } from './bytes.ts'
import { ConstraintText } from './constraint.ts'
import { duration } from './duration.ts'
import { Env } from './env.ts'
import { HealthCheck } from './health.ts'
import { Image } from './image.ts'
import { AppName, areDistinct, canonical, NameTemplate } from './name.ts'
import { Network } from './network.ts'
import { Routes, RouteTemplates } from './route.ts'
import { outOfOrder, Sleep, STOP, sleepsInOrder } from './sleep.ts'
import { Volumes, VolumeTemplates } from './volume.ts'
import { whole } from './whole.ts'

/** What one instance may use at most: bytes, CPUs. */
export const LIMITS = { memory: MOST, cpus: 512 } as const

const CPUS = `must be a number from 0.01 to ${LIMITS.cpus}`

const Limits = z
  .strictObject({
    memory: Bytes.default(512 * 1024 ** 2).describe('memory, bytes or 64m, 1g'),
    cpus: z
      .number(CPUS)
      .min(0.01, CPUS)
      .max(LIMITS.cpus, CPUS)
      .default(1)
      .describe('CPUs, fractions allowed'),
    pids: whole(1, 65_536).default(512).describe('processes and threads'),
  })
  .prefault({})

/** Everything of an App but its name: what a Blueprint gives to any name that fits it. */
const shape = {
  image: Image.describe('image reference'),
  port: whole(1, 65_535).default(8000).describe('port the app listens on inside its container'),
  env: Env.default({}).describe('environment; PORT is set to the port unless given here'),
  command: z
    .array(Argument)
    .min(1)
    .max(64)
    .optional()
    .describe("command to run instead of the image's own"),
  health: HealthCheck.default({ type: 'auto' }).describe(
    'auto, auto:/path, tcp, http:/path, image or command:["..."]',
  ),
  idleAfter: duration().default(300).describe('how long nobody uses the app before it sleeps'),
  sleep: Sleep.default(STOP).describe(
    'what is done then: stop, pause or remove; deeper ones by a longer time, as pause,stop:1h',
  ),
  prefetch: z
    .boolean('must be true or false')
    .default(false)
    .describe('its image is pulled to the hosts it may run on before its first start there'),
  startTimeout: duration(3600)
    .default(60)
    .describe('how long a start may take until it counts as failed'),
  stopTimeout: duration(3600)
    .default(10)
    .describe('how long the app may take to end after SIGTERM'),
  min: whole(0, 64).default(0).describe('instances that never sleep'),
  replicas: whole(1, 64).default(1).describe('instances that run while the app is used'),
  sticky: z
    .boolean('must be true or false')
    .default(false)
    .describe('a client stays with the instance that answered it first, by a cookie'),
  route: z
    .enum(['path', 'none'], 'must be path or none')
    .default('path')
    .describe(
      'path: at NGINX_HOST/<name>; none: no gateway leads there by its name, as to a database',
    ),
  limits: Limits.describe('what one instance may use'),
  network: Network.optional().describe(
    "whose network an instance has: its own (bridge), that of a sandbox which keeps its address while it sleeps, or its host's; what the launcher says unless given",
  ),
  constraints: z
    .array(ConstraintText)
    .max(16)
    .default([])
    .describe('hosts it may run on: label==value or label!=value; the label host is its name'),
  antiAffinity: z
    .enum(['prefer', 'require'])
    .default('prefer')
    .describe('instances on different hosts: where there are several, or never two on one'),
}

/** What has names in it or, in a Blueprint, texts that become names: routes, and what ties apps together. */
const ties = (name: typeof AppName, volumes: typeof Volumes, routes: typeof Routes) => ({
  routes: routes
    .default([])
    .describe('what else leads to it: [host][/path], or = before it for that path alone'),
  dependsOn: z
    .array(name)
    .max(16, 'must be at most 16')
    .refine(areDistinct, 'must be distinct')
    .default([])
    .describe('apps that are woken before it, in this order, and sleep after it'),
  group: name
    .optional()
    .describe('apps of a group live on one host and reach each other there by name'),
  volumes: volumes.default([]).describe('what it keeps: name:/path or name:/path:ro'),
})

/** A group has a network of its own. */
const isNotHostInGroup = (app: { network?: Network | undefined; group?: unknown }): boolean =>
  app.network !== 'host' || app.group === undefined
const hostInGroup = { message: 'must not be host in a group', path: ['network'] }

const enoughReplicas = (app: { min: number; replicas: number }): boolean => app.min <= app.replicas
const tooMany = { message: 'must be at most replicas', path: ['min'] }

/** What an operator wants to exist under a name. */
export const App = z
  .strictObject({
    name: AppName,
    ...shape,
    ...ties(AppName, Volumes, Routes),
    origin: z
      .literal('spawner', 'must be spawner')
      .optional()
      .describe('who made it, where that was the spawner API: it touches no others'),
  })
  .refine(enoughReplicas, tooMany)
  .refine(isNotHostInGroup, hostInGroup)
  .refine(sleepsInOrder, outOfOrder)
  .refine(
    ({ name, dependsOn }) => !dependsOn.some((other) => canonical(other) === canonical(name)),
    { message: 'must not have the app itself', path: ['dependsOn'] },
  )
export type App = z.output<typeof App>
export type AppInput = z.input<typeof App>

export const AppTemplate = z
  .strictObject({ ...shape, ...ties(NameTemplate, VolumeTemplates, RouteTemplates) })
  .refine(enoughReplicas, tooMany)
  .refine(isNotHostInGroup, hostInGroup)
  .refine(sleepsInOrder, outOfOrder)
  .refine(({ dependsOn }) => !dependsOn.includes('{{name}}'), {
    message: 'must not have the app itself',
    path: ['dependsOn'],
  })
export type AppTemplate = z.output<typeof AppTemplate>
