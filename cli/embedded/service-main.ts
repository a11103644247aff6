import { pathToFileURL } from 'node:url'
import { type Open, serve } from '../../adapters/serve.ts'
import { loadSettings } from '../../adapters/settings.ts'

// Runs one service, or several in one process, with the settings of the environment; `up` starts it.
//   node service-main.js <name> <dist>/<service>/main.js ...
// Their main modules are arguments, so that process lists name the services; <name> is who speaks for the process.

const [, , name = '', ...paths] = process.argv
try {
  const modules: { open: Open }[] = await Promise.all(
    paths.map((path) => import(pathToFileURL(path).href)),
  )
  const opens = modules.map(({ open }) => open)
  await serve(name, opens, loadSettings({}, process.env))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
