import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ask } from '../../system/client.ts'
import { cgroupOf, makeCgroups, removeCgroups } from '../cgroup.ts'
import { command } from '../command.ts'
import { plug, unplug } from '../network.ts'
import { type Part, startPart } from '../part.ts'
import type { LabMachine } from './fleet.ts'
import { type Plan, Program } from './program.ts'
import type { Place, Site } from './site.ts'
import { type Drop, dropScript } from './wire.ts'

/** How patient a machine of a fleet is with what does not answer. */
const SYSCTL = join(import.meta.dirname, '../../../unit_files/reveille.sysctl.conf')

/** A machine of the fleet: one sleeping process holds its network and its mounts, everything else enters them. */
export class Machine implements LabMachine {
  readonly name: string
  readonly address: string
  /** its disk: what outlives a crash */
  readonly folder: string
  /** in the order in which they start */
  readonly processes = new Map<string, Program>()
  readonly #site: Site
  readonly #drops = new Set<Drop>()
  #keeper: Part | null = null

  constructor(site: Site, { name, address }: Place) {
    this.#site = site
    this.name = name
    this.address = address
    this.folder = join(site.folder, name)
  }

  protected install(name: string, plan: Plan): Program {
    const program = new Program(name, this, plan)
    this.processes.set(name, program)
    return program
  }

  /** Makes its network and mounts; nothing runs there yet. */
  async boot(): Promise<void> {
    const { run } = this.#site
    await mkdir(this.folder, { recursive: true })
    await makeCgroups(run, this.name)
    const boot = join(this.folder, 'boot_id')
    await writeFile(boot, `${randomUUID()}\n`)
    // Shims keep their sockets in /run/containerd whatever their engine's folders are. A boot has an id of its own.
    const script = [
      `echo $$ >${cgroupOf(run, this.name).daemons}/cgroup.procs`,
      'mkdir -p /run/containerd',
      'exec unshare --net --mount --propagation private sh -e -c "',
      '  mount -t tmpfs tmpfs /run/containerd',
      `  mount --bind ${boot} /proc/sys/kernel/random/boot_id`,
      '  echo up; exec sleep infinity"',
    ].join('\n')
    const keeper = await startPart('sh', ['-e', '-c', script])
    await keeper.until(async () => keeper.output.includes('up'))
    this.#keeper = keeper
    await plug(run, this, keeper.pid)
    await this.exec('sysctl', '-q', '-p', SYSCTL)
    for (const drop of this.#drops) await this.#cut('-I', drop)
  }

  /** Starts what does not run, one after the other. */
  async start(): Promise<void> {
    for (const program of this.processes.values()) if (!program.isRunning) await program.start()
  }

  get #entrance(): string[] {
    if (this.#keeper === null) throw new Error(`${this.name} is off: reboot it first`)
    return ['nsenter', '--target', `${this.#keeper.pid}`, '--net', '--mount', '--']
  }

  /** Starts a program here, as the machine's own: what it writes goes to its log. */
  spawn(program: string, words: string[]): Promise<Part> {
    const { daemons } = cgroupOf(this.#site.run, this.name)
    const script = `echo $$ >${daemons}/cgroup.procs; exec "$@" >>${this.logOf(program)} 2>&1`
    return startPart('sh', ['-e', '-c', script, 'sh', ...this.#entrance, ...words])
  }

  logOf(program: string): string {
    return join(this.folder, `${program}.log`)
  }

  async exec(file: string, ...args: string[]): Promise<string> {
    const [nsenter = '', ...enter] = this.#entrance
    return command(nsenter, ...enter, file, ...args)
  }

  async crash(): Promise<void> {
    await unplug(this.#site.run, this)
    await removeCgroups(this.#site.run, this.name)
    for (const program of this.processes.values()) await program.bury()
    await this.#keeper?.kill()
    this.#keeper = null
  }

  async reboot(): Promise<void> {
    await this.crash()
    await this.boot()
    await this.start()
  }

  get isCut(): boolean {
    return this.#drops.size > 0
  }

  /** What it answers over HTTP; asked from within where its network is broken. Rejects while it does not. */
  async statusOf(url: string, curl: string[] = []): Promise<number> {
    if (!this.isCut) return (await ask(url, new URL(url).pathname, { timeout: 1_000 })).status
    const words = ['-s', '-m', '1', '-o', '/dev/null', '-w', '%{http_code}', ...curl, url]
    return Number(await this.exec('curl', ...words))
  }

  /** What is done to it right now, in words; '' if nothing is. */
  get trouble(): string {
    const drops = [...this.#drops].map(({ peer, probability }) =>
      probability === undefined
        ? `cut off from ${peer?.name ?? 'all'}`
        : `loses ${Math.round(probability * 100)} %`,
    )
    return [...(this.#keeper === null ? ['off'] : []), ...drops].join(', ')
  }

  /** Drops packets until `mend`, also over reboots. */
  async cut(drop: Drop): Promise<void> {
    this.#drops.add(drop)
    if (this.#keeper !== null) await this.#cut('-I', drop)
  }

  /** Ends every drop, or those that are about one other machine. */
  async mend(peer?: string): Promise<void> {
    for (const drop of this.#drops) {
      if (peer !== undefined && drop.peer?.name !== peer) continue
      if (this.#keeper !== null) await this.#cut('-D', drop)
      this.#drops.delete(drop)
    }
  }

  #cut(action: '-I' | '-D', drop: Drop): Promise<string> {
    return this.exec('sh', '-e', '-c', dropScript(action, drop))
  }
}
