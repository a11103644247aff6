import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { cgroupOf } from '../cgroup.ts'
import { containerdConfig, containerdSocket, dockerdConfig } from '../engine-config.ts'
import { networkOf } from '../network.ts'
import { Disk } from './disk.ts'
import type { LabHost } from './fleet.ts'
import { Machine } from './machine.ts'
import type { Program } from './program.ts'
import { servicePlan } from './service.ts'
import { KINDS, type Place, type Site } from './site.ts'

/** A machine with a Docker engine and its registrar. */
export class Host extends Machine implements LabHost {
  readonly socket: string
  readonly docker: Docker
  readonly containerd: Program
  readonly dockerd: Program
  readonly registrar: Program
  /** of its engine */
  readonly #disk: Disk
  readonly #site: Site

  constructor(site: Site, place: Place) {
    super(site, place)
    this.#site = site
    const { disk } = site.options
    this.#disk = new Disk(join(this.folder, 'disk'), disk === undefined ? disk : `${disk}m`)
    const path = join(this.folder, 'docker.sock')
    this.socket = `unix://${path}`
    this.docker = new Docker({ socketPath: path })
    this.containerd = this.#installContainerd()
    this.dockerd = this.#installDockerd(path)
    this.registrar = this.install(
      'registrar',
      servicePlan(site, this, 'registrar', {
        port: 8093,
        flags: {
          docker: this.socket,
          address: place.address,
          'engine-advertise':
            site.options.engines === 'tls' ? `tcp://${place.address}:2376` : this.socket,
          'registrar-admin': `${place.address}:8093`,
        },
      }),
    )
  }

  #installContainerd(): Program {
    const config = join(this.folder, 'containerd.toml')
    const socket = containerdSocket(this.folder)
    return this.install('containerd', {
      command: ['containerd', '--config', config],
      prepare: async () => {
        await writeFile(config, containerdConfig(this.folder, this.#disk.folder))
        await rm(socket, { force: true })
      },
      ready: async () => existsSync(socket),
      alone: true,
    })
  }

  #installDockerd(socket: string): Program {
    const config = join(this.folder, 'daemon.json')
    const { ca, server } = this.#site.certificates
    const { run } = this.#site
    const settings = dockerdConfig({
      folder: this.folder,
      data: this.#disk.folder,
      number: Number(this.name.slice(KINDS.hosts.letter.length)),
      cgroup: `${cgroupOf(run, this.name).path}/containers`,
      registries: [`${networkOf(run).gateway}/32`],
    })
    const secure = {
      hosts: [...settings.hosts, `tcp://${this.address}:2376`],
      ...{ tlsverify: true, tlscacert: ca.cert, tlscert: server.cert, tlskey: server.key },
    }
    return this.install('dockerd', {
      command: ['dockerd', '--config-file', config],
      prepare: async () => {
        await writeFile(config, JSON.stringify({ ...settings, ...secure }))
        // an earlier life's: its number may be another program's by now
        await Promise.all([settings.pidfile, socket].map((file) => rm(file, { force: true })))
      },
      ready: async () => (await this.docker.ping()).toString() === 'OK',
      alone: true,
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
