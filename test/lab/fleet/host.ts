import { existsSync } from 'node:fs'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { cgroupOf } from '../cgroup.ts'
import { command } from '../command.ts'
import { containerdConfig, containerdSocket, dockerdConfig } from '../engine-config.ts'
import { networkOf } from '../network.ts'
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
  /** its own file system, where it has one */
  readonly #disk: string
  readonly #site: Site

  constructor(site: Site, place: Place) {
    super(site, place)
    this.#site = site
    this.#disk = join(this.folder, 'disk')
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
        await writeFile(config, containerdConfig(this.folder, this.#disk))
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
      data: this.#disk,
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
    await this.#makeDisk()
    await super.boot()
  }

  /** Mounted outside of the machine's own mounts, as it must outlive them; the end of the run looks for it there. */
  async #makeDisk(): Promise<void> {
    if (existsSync(this.#disk)) return
    await mkdir(this.#disk, { recursive: true })
    const { disk } = this.#site.options
    if (disk !== undefined)
      await command('mount', '-t', 'tmpfs', '-o', `size=${disk}m`, 'tmpfs', this.#disk)
  }

  get #ballast(): string {
    if (this.#site.options.disk === undefined)
      throw new Error(`${this.name} has no disk of its own to fill: start the fleet with one`)
    return join(this.#disk, 'ballast')
  }

  async fillDisk(): Promise<void> {
    const ballast = this.#ballast
    await rm(ballast, { force: true })
    const { bavail, bsize } = await statfs(this.#disk)
    if (bavail > 0) await command('fallocate', '-l', `${bavail * bsize}`, ballast)
  }

  async freeDisk(): Promise<void> {
    await rm(this.#ballast, { force: true })
  }
}
