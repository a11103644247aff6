import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Disk } from './disk.ts'
import type { LabGateway } from './fleet.ts'
import { Machine } from './machine.ts'
import type { Program } from './program.ts'
import { servicePlan } from './service.ts'
import type { Place, Site } from './site.ts'

/** A machine with an nginx and the controller that keeps its routes. */
export class Gateway extends Machine implements LabGateway {
  readonly origin: string
  readonly controller: Program
  readonly nginx: Program
  readonly #disk: Disk

  constructor(site: Site, place: Place) {
    super(site, place)
    const { address } = place
    this.origin = `http://${address}:8080`
    this.controller = this.install(
      'controller',
      servicePlan(site, this, 'controller', {
        port: 8092,
        flags: { listen: `${address}:8080`, 'controller-admin': `${address}:8092` },
      }),
    )
    const folder = join(this.folder, 'run')
    const { runDisk } = site.options
    this.#disk = new Disk(folder, runDisk === undefined ? runDisk : `${runDisk}k`)
    const file = join(folder, 'nginx.conf')
    this.nginx = this.install('nginx', {
      command: ['nginx', '-e', 'stderr', '-p', folder, '-c', file, '-g', 'daemon off;'],
      prepare: () => untilThere(file),
      ready: async () => (await this.statusOf(`${this.origin}/_reveille/generation`)) === 200,
    })
  }

  override async boot(): Promise<void> {
    await this.#disk.make()
    await super.boot()
  }

  fillDisk(): Promise<void> {
    return this.#disk.fill()
  }

  freeDisk(): Promise<void> {
    return this.#disk.free()
  }
}

/** The controller writes it, with its first look at etcd or without one. */
async function untilThere(file: string): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!existsSync(file)) {
    if (Date.now() > deadline) throw new Error(`no controller has written ${file} in 30 s`)
    await delay(20)
  }
}
