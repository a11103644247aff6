import { z } from 'zod'
import type { App } from '../../model/app.ts'
import { ProblemError } from '../../model/problem.ts'
import type { Catalog } from '../catalog.ts'
import { hasImage } from '../place/place.ts'
import type { Control } from './control.ts'
import type { Router } from './router.ts'
import { answers, NameParams, PlacementView } from './schema.ts'

const Query = z.strictObject({
  slot: z.coerce
    .number()
    .int()
    .min(0)
    .max(99)
    .optional()
    .describe('the lowest that does not run unless given'),
})

/** Where an app would start, and why not elsewhere. */
export function placementRoute(
  router: Router,
  { catalog, control }: { catalog: Catalog; control: Control },
): void {
  router.get(
    '/v1/apps/:name/placement',
    {
      schema: {
        tags: ['apps'],
        summary: 'Say of each host whether a slot of an app would start there, or why not',
        description:
          'Engines are asked, nothing is started. The first host is the one it would go to.',
        operationId: 'explainPlacement',
        params: NameParams,
        querystring: Query,
        response: answers({ 200: PlacementView }),
      },
    },
    async (request) => {
      const app = catalog.find(request.params.name)
      if (!app) throw new ProblemError('unknown-app')
      const slot = request.query.slot ?? nextSlot(app, catalog)
      const verdicts = await control.judge(app, slot)
      const hosts = verdicts.map(({ host, refusal, trouble, has, siblings, ...more }, index) => ({
        host: host.name,
        verdict:
          refusal !== null
            ? ('refused' as const)
            : index === 0
              ? ('chosen' as const)
              : ('possible' as const),
        rank: refusal === null ? index + 1 : null,
        reason: refusal,
        container: trouble !== null && more.container === null ? null : has,
        image: hasImage(host, app.image),
        siblings,
        promised: more.promised,
        limit: more.limit,
      }))
      return { app: app.name, slot, hosts }
    },
  )
}

function nextSlot({ name, replicas }: App, catalog: Catalog): number {
  const running = catalog.state.slots(name)
  for (let slot = 0; slot < replicas; slot++) if (!running.has(slot)) return slot
  return 0
}
