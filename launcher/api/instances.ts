import { z } from 'zod'
import { AppName } from '../../model/name.ts'
import type { Catalog } from '../catalog.ts'
import type { Fleet, Instance } from '../fleet.ts'
import type { Router } from './router.ts'
import { answers, InstanceView } from './schema.ts'

export function instanceRoutes(
  router: Router,
  { fleet, catalog }: { fleet: Fleet; catalog: Catalog },
): void {
  router.get(
    '/v1/instances',
    {
      schema: {
        tags: ['instances'],
        summary: 'List what runs, sleeps or ended, on every host',
        operationId: 'listInstances',
        querystring: z.strictObject({ app: AppName.optional().describe('of this app only') }),
        response: answers({ 200: z.object({ instances: z.array(InstanceView) }) }),
      },
    },
    async (request) => {
      const found = await fleet.instances('glance', request.query.app)
      return { instances: withReplicas(found, catalog) }
    },
  )
}

/** Adds how many there may be of each. */
function withReplicas(
  instances: readonly Instance[],
  catalog: Catalog,
): z.output<typeof InstanceView>[] {
  const names = new Set(instances.map(({ app }) => app))
  const known = new Map([...names].map((name) => [name, catalog.find(name)?.replicas ?? null]))
  return instances.map((one) => ({ ...one, replicas: known.get(one.app) ?? null }))
}
