import { z } from 'zod'
import { App, AppTemplate } from './app.ts'
import { isExpression } from './expression.ts'
import { AppName, canonical, fillName, isAppName } from './name.ts'

/**
 * A pattern over app names. A restricted regular expression, so that matching 63 characters is always cheap:
 * anchored, literals and character classes, no groups, no alternatives, at most 4 repetitions. Of these at most 2 may
 * have a free length: what does not fit is tried in every split among them, so each one more costs 63 times as much.
 */
const Pattern = z
  .string()
  .max(200)
  .regex(
    /^\^(?:(?:[A-Za-z0-9_-]|\[[A-Za-z0-9_-]+\])(?:[*+?]|\{[0-9]{1,2}(?:,(?:[0-9]{1,2})?)?\})?)+\$$/,
    'must be like ^shop-[a-z0-9]+$: anchored, literals and classes only',
  )
  .refine(
    (pattern) => (pattern.match(/[*+?{]/g) ?? []).length <= 4,
    'must have at most 4 repetitions',
  )
  .refine(
    (pattern) => (pattern.match(/[*+]|\{(?!([0-9]+)(?:,\1)?\})/g) ?? []).length <= 2,
    'must have at most 2 repetitions of a free length, like *, + and {1,9}',
  )
  .refine(isExpression, 'must be a regular expression')

/**
 * Makes an App out of any name that fits its pattern. `{{name}}` in env values, the command, the routes, the group, the
 * volumes and the apps it depends on stands for that name.
 */
export const Blueprint = z.strictObject({ name: AppName, pattern: Pattern, app: AppTemplate })
export type Blueprint = z.output<typeof Blueprint>
export type BlueprintInput = z.input<typeof Blueprint>

/** Compiled once: a blueprint is tried with every name nobody knows. */
const COMPILED = new WeakMap<Blueprint, RegExp>()

function compiled(blueprint: Blueprint): RegExp {
  const known = COMPILED.get(blueprint)
  if (known) return known
  const pattern = new RegExp(blueprint.pattern)
  COMPILED.set(blueprint, pattern)
  return pattern
}

/**
 * The App `name` gets from `blueprint`, or null if it does not fit. Names are unique ignoring case, so the pattern is
 * tried on the lower-case form, then on the upper-case form, then on the name as typed: /D/ and /d/ give one app.
 */
export function expand(blueprint: Blueprint, name: string): App | null {
  if (!isAppName(name)) return null
  const pattern = compiled(blueprint)
  const forms = new Set([canonical(name), name.toUpperCase(), name])
  const spelling = [...forms].find((form) => pattern.test(form))
  if (spelling === undefined) return null
  const fill = (text: string): string => fillName(text, spelling)
  const { env, command, routes, group, dependsOn, volumes, ...rest } = blueprint.app
  const app = App.safeParse({
    ...rest,
    name: spelling,
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, fill(value)])),
    ...(command && { command: command.map(fill) }),
    // Host names are lower case, and paths compared so.
    routes: routes.map((text) => fillName(text, canonical(spelling))),
    ...(group !== undefined && { group: fill(group) }),
    dependsOn: dependsOn.map(fill),
    volumes: volumes.map(fill),
  })
  return app.success ? app.data : null
}
