import { z } from 'zod'
import type { Catalog } from '../catalog.ts'
import type { Fleet } from '../fleet.ts'
import type { Router } from './router.ts'
import { answers, GatewayView, HostView, NoQuery } from './schema.ts'

/** The machines: hosts that run instances, gateways that route to them. */
export function hostRoutes(router: Router, { fleet, catalog }: { fleet: Fleet; catalog: Catalog }) {
  router.get(
    '/v1/hosts',
    {
      schema: {
        tags: ['hosts'],
        summary: 'List the hosts whose registrar is there',
        operationId: 'listHosts',
        querystring: NoQuery,
        response: answers({ 200: z.object({ hosts: z.array(HostView) }) }),
      },
    },
    async () => {
      const containers = await fleet.containers('glance')
      const hosts = [...containers].map(([host, list]) => ({
        ...host,
        alive: list !== null,
        drained: catalog.state.drains.get(host.name)?.value.since ?? null,
        instances: list?.filter(({ state }) => state === 'running').length ?? null,
      }))
      return { hosts: hosts.sort((a, b) => (a.name < b.name ? -1 : 1)) }
    },
  )

  router.get(
    '/v1/gateways',
    {
      schema: {
        tags: ['hosts'],
        summary: 'List the gateways, what they run and what they refused',
        operationId: 'listGateways',
        querystring: NoQuery,
        response: answers({ 200: z.object({ gateways: z.array(GatewayView) }) }),
      },
    },
    async () => ({ gateways: [...catalog.state.gateways.values()].map((held) => held.value) }),
  )
}
