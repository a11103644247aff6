import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LabFleet } from '../lab/fleet/fleet.ts'
import { networkOf } from '../lab/network.ts'
import { currentRun } from '../lab/run.ts'

/** Seconds: longer than any fault lasts. */
const TTL = 600

/** Endpoints that come and go faster than containers could: each leads to this process, which answers for any app. */
export class Registrations {
  readonly #etcd: LabFleet['etcd']
  readonly #lease: string
  readonly #address: string
  readonly #server: Server

  private constructor(etcd: LabFleet['etcd'], lease: string, address: string, server: Server) {
    this.#etcd = etcd
    this.#lease = lease
    this.#address = address
    this.#server = server
  }

  static async open({ etcd }: LabFleet): Promise<Registrations> {
    const { gateway } = networkOf(currentRun())
    const listening = Date.now()
    const server = createServer((request, response) => {
      const app = String(request.headers['x-forwarded-prefix']).slice(1)
      response.end(JSON.stringify({ app, host: 'cl', bootId: 'cl', listening }))
    })
    await new Promise<void>((resolve) => server.listen(0, gateway, resolve))
    const { port } = server.address() as AddressInfo
    return new Registrations(etcd, await etcd.grant(TTL), `${gateway}:${port}`, server)
  }

  put(app: string, slot = 0): Promise<unknown> {
    return this.#etcd.put(keyOf(app, slot), this.#address, { lease: this.#lease })
  }

  remove(app: string, slot = 0): Promise<unknown> {
    return this.#etcd.remove(keyOf(app, slot))
  }

  /** Ends all of them at once. Whoever was led here just now is answered. */
  async close(): Promise<void> {
    await this.#etcd.revoke(this.#lease)
    await new Promise((resolve) => {
      this.#server.close(resolve)
      this.#server.closeIdleConnections()
    })
  }
}

const keyOf = (app: string, slot: number): string =>
  `/services/clusters/${app}${slot === 0 ? '' : `/${slot}`}`
