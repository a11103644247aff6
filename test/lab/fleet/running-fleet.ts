import type { Store } from '../../../adapters/etcd.ts'
import type { AppInput } from '../../../model/app.ts'
import { networkOf } from '../network.ts'
import type { LabFleet } from './fleet.ts'
import type { Gateway } from './gateway.ts'
import type { Host } from './host.ts'
import type { LauncherHost } from './launcher-host.ts'
import { Machine } from './machine.ts'
import type { Member } from './member.ts'
import type { Site } from './site.ts'
import { etcdctlOf } from './users.ts'

/** The machines of a fleet, by what they are for. */
export interface Machines {
  hosts: Host[]
  members: Member[]
  gateways: Gateway[]
  launchers: LauncherHost[]
  clients: Machine[]
}

/** The process that has the fleet, as a machine on its network. */
const SELF = 'cl'

/** A fleet that is up. */
export class RunningFleet implements LabFleet {
  readonly hosts: Host[]
  readonly members: Member[]
  readonly gateways: Gateway[]
  readonly launchers: LauncherHost[]
  readonly clients: Machine[]
  readonly machines: Machine[]
  readonly etcd: Store
  readonly token: string
  readonly etcdctl: Record<string, string>
  readonly stop: () => Promise<void>
  readonly #self: { name: string; address: string }

  constructor(site: Site, machines: Machines, etcd: Store, stop: () => Promise<void>) {
    this.hosts = machines.hosts
    this.members = machines.members
    this.gateways = machines.gateways
    this.launchers = machines.launchers
    this.clients = machines.clients
    this.machines = Object.values(machines).flat()
    this.etcd = etcd
    this.token = site.token
    this.etcdctl = etcdctlOf(site)
    this.stop = stop
    this.#self = { name: SELF, address: networkOf(site.run).gateway }
  }

  machine(name: string): Machine {
    const found = this.machines.find((machine) => machine.name === name)
    if (found) return found
    const names = this.machines.map((machine) => machine.name)
    throw new Error(`there is no machine ${name} in this fleet, there are ${names.join(', ')}`)
  }

  async add(app: AppInput): Promise<void> {
    let last = 'there is no launcher'
    for (const launcher of this.launchers) {
      const answer = await launcher.api('POST', '/v1/apps', app).catch((error: Error) => error)
      if (answer instanceof Error) last = answer.message
      else if (answer.status === 201) return
      else throw new Error(`adding ${app.name}: ${answer.text}`)
    }
    throw new Error(`adding ${app.name}: ${last}`)
  }

  async partition(one: string, other?: string): Promise<void> {
    if (one === SELF && other !== undefined) return this.partition(other, one)
    const peer = other === SELF ? this.#self : other && this.machine(other)
    await this.machine(one).cut(peer ? { peer: { name: peer.name, address: peer.address } } : {})
  }

  async lose(one: string, probability: number): Promise<void> {
    await this.machine(one).cut({ probability })
  }

  async heal(one?: string): Promise<void> {
    for (const machine of this.machines)
      await machine.mend(one === undefined || machine.name === one ? undefined : one)
  }
}
