import { z } from 'zod'
import { AppName } from '../../model/name.ts'
import type { Fleet } from '../fleet.ts'
import type { Router } from './router.ts'
import { answers, InstanceView } from './schema.ts'

export function instanceRoutes(router: Router, fleet: Fleet): void {
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
    async (request) => ({ instances: await fleet.instances('glance', request.query.app) }),
  )
}
