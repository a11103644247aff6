import type { Settings } from '../../model/setting.ts'
import type { Child } from './child.ts'
import { environmentOf } from './environment.ts'
import { type House, program, sourceOf } from './house.ts'

const SERVICES = ['registrar', 'launcher', 'controller'] as const

/** Starts the services: all in one process, or each in its own. */
export function startServices(house: House, settings: Settings): Child[] {
  const groups = settings.services === 'apart' ? SERVICES.map((service) => [service]) : [SERVICES]
  return groups.map((services) => {
    const [service] = services
    const name = services.length === 1 && service ? service : 'services'
    const paths = services.map((each) => sourceOf(`${each}/main`))
    return house.start({
      name,
      ...(services.length > 1 && { title: `the services (${services.join(', ')})` }),
      command: [...program('cli/embedded/service-main'), name, ...paths],
      env: environmentOf(services, settings, process.env),
    })
  })
}
