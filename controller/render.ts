import { isDeepStrictEqual } from 'node:util'
import nunjucks from 'nunjucks'
import { GatewayPlan, type GatewayPlanInput } from './plan.ts'
import { type Quote, quoteNginx } from './quote.ts'
import { depthsOf, homeOf, stepsOf, targetsOf } from './step.ts'

const STAMP = /\breveille generation (\d{1,15})\b/

/** Makes a configuration out of a plan. Throws a readable Error where the template asks for what a plan has not. */
export type Template = (plan: GatewayPlanInput) => string

/**
 * Reads a template. Throws a readable Error if it does not compile. Whatever it renders, the plan is held against its
 * schema once more, though it was made of validated values: what comes out is executed as root.
 * @param quote for the proxy that reads it
 * @param lua what nginx does with a live table
 */
export function compile(source: string, quote: Quote = quoteNginx, lua = ''): Template {
  const environment = new nunjucks.Environment(null, {
    autoescape: false,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  })
  environment.addFilter('quote', quote)
  const template = readable(() => new nunjucks.Template(source, environment, 'template', true))
  return (plan) => {
    const checked = GatewayPlan.parse(plan)
    const stamp = `reveille generation ${checked.generation}`
    const steps = stepsOf(checked)
    const targets = targetsOf(steps)
    const apps = checked.apps.map((app) => ({ ...app, routed: targets.has(app.name) }))
    const home = homeOf(checked.reading)
    const derived = { apps, stamp, steps, depths: depthsOf(steps), home, lua }
    return readable(() => {
      const text = template.render({ plan: { ...checked, ...derived } })
      const memory = missingMemory(text, lua)
      if (memory) throw new Error(`it lacks \`lua_shared_dict ${memory}\`, see docs/template.md`)
      return text
    })
  }
}

/**
 * The name of a memory that the program in a configuration needs and the configuration does not make, as that of an older
 * release would not. nginx's check runs no Lua: it would pass, and every request would fail.
 */
function missingMemory(text: string, lua: string): string | undefined {
  if (lua === '' || !text.includes(lua)) return undefined
  const made = new Set(
    Array.from(text.matchAll(/^\s*lua_shared_dict\s+(\w+)/gm), ([, name]) => name),
  )
  const needed = Array.from(lua.matchAll(/\bngx\.shared\.(\w+)/g), ([, name]) => name)
  return needed.find((name) => !made.has(name))
}

/**
 * A template that keeps what it made last: with running apps in a table, most runs ask for the same text again.
 */
export class LastText {
  #last: { source: string; plan: GatewayPlanInput; text: string } | null = null

  /** @param render is asked only for another template or plan than the last one */
  of(source: string, plan: GatewayPlanInput, render: () => string): string {
    const last = this.#last
    if (last?.source === source && isDeepStrictEqual(last.plan, plan)) return last.text
    const text = render()
    this.#last = { source, plan, text }
    return text
  }
}

/** The generation a written configuration says it has (a template writes `plan.stamp` into a comment), else 0. */
export function generationOf(configuration: string): number {
  return Number(STAMP.exec(configuration)?.[1] ?? 0)
}

/** nunjucks words its errors over several lines; an operator gets one. */
function readable<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const words = (error as Error).message.replaceAll(/\s+/g, ' ').trim()
    throw new Error(`template: ${words.slice(0, 500)}`)
  }
}
