import { fileURLToPath } from 'node:url'
import { type Part, startPart } from '../lab/part.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Waits until `look` gives something other than undefined, null or false. Throws after `patience` milliseconds. */
export async function eventually<T>(
  look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  patience = 15_000,
): Promise<T> {
  const deadline = performance.now() + patience
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    if (performance.now() > deadline) throw new Error(`not within ${patience} ms: ${String(look)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A registrar as a process of its own, started from the sources. */
export async function startRegistrar(settings: Record<string, string>): Promise<Part> {
  const variables = Object.entries(settings).map(
    ([name, value]) =>
      `REVEILLE_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}=${value}`,
  )
  const main = `${ROOT}registrar/main.ts`
  const starter = `${ROOT}cli/embedded/service-main.ts`
  const program = ['node', '--import', 'tsx', starter, 'registrar', main]
  const part = await startPart('env', [...variables, ...program], ROOT)
  const admin = `http://${settings.registrarAdmin}/healthz`
  await part.until(async () => (await fetch(admin)).status > 0)
  return part
}
