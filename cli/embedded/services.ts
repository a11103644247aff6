import type { Settings } from '../../model/setting.ts'
import type { Child } from './child.ts'
import { environmentOf } from './environment.ts'
import { type House, program, sourceOf } from './house.ts'

const SERVICES = ['registrar', 'launcher', 'controller'] as const

/** MiB, of which V8 has three: left alone it takes 16 each for what the start makes, and gives them back late or never. */
const FLAGS = ['--max-semi-space-size=1']

/** Starts the services: all in one process, or each in its own. */
export function startServices(house: House, settings: Settings): Child[] {
  const groups = settings.services === 'apart' ? SERVICES.map((service) => [service]) : [SERVICES]
  return groups.map((services) => {
    const [service] = services
    const name = services.length === 1 && service ? service : 'services'
    const [node = '', ...main] = program('cli/embedded/service-main')
    const paths = services.map((each) => sourceOf(`${each}/main`))
    return house.start({
      name,
      command: [node, ...FLAGS, ...main, name, ...paths],
      env: environmentOf(services, settings, process.env),
    })
  })
}
