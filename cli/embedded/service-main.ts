import { pathToFileURL } from 'node:url'
import { loadSettings } from '../../adapters/settings.ts'
import type { Settings } from '../../model/setting.ts'

// Runs one service with the settings of the environment; `up` starts it, once for each.
//   node service-main.js <dist>/<service>/main.js
// Its main module is an argument, so that process lists name the service.

const [, , path = ''] = process.argv
try {
  const { run }: { run(settings: Settings): Promise<void> } = await import(pathToFileURL(path).href)
  await run(loadSettings({}, process.env))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
