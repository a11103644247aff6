import type Docker from 'dockerode'
import type { Store } from '../../../adapters/etcd.ts'
import type { AppInput } from '../../../model/app.ts'
import type { Answer } from '../../system/client.ts'

/** Settings of one service as its command line takes them, without the dashes: `{ 'hold-timeout': '5s' }`. */
export type Flags = Record<string, string>

export type ServiceName = 'registrar' | 'controller' | 'launcher'

/** How a fleet is made. Everything has a default. */
export interface FleetOptions {
  /** Docker hosts with a registrar each: h1, h2, ... (3) */
  hosts?: number
  /** etcd members: e1, e2, ... (3) */
  members?: number
  /** nginx and a controller each: g1, g2, ... (2) */
  gateways?: number
  /** l1, l2, ... (2) */
  launchers?: number
  /** machines with nothing on them, to send requests from: c1, c2, ... (0) */
  clients?: number
  /** etcd with TLS client certificates, also between members, and a user and password (false) */
  secure?: boolean
  /** seconds (10) */
  leaseTtl?: number
  /** how launchers reach the engines: by the sockets all machines share, or over the network with client certificates */
  engines?: 'unix' | 'tls'
  /** MiB of disk that each host's engine has for its data; the machine's own disk unless given */
  disk?: number
  /** KiB of disk that each gateway has for its run folder, where its configuration is; as above */
  runDisk?: number
  /** gives the engine at this `unix://` socket its images and returns their names (those of image.ts) */
  images?: (engine: string) => Promise<string[]>
  /** settings added to those of every service of a kind, or to that on the machine of that name; they win over the lab's */
  settings?: Partial<Record<ServiceName, Flags | ((machine: string) => Flags)>>
}

/** One program on a machine. */
export interface LabProcess {
  /** dockerd, containerd, registrar, etcd, nginx, controller or launcher */
  readonly name: string
  /** of its first process. Throws while it does not run */
  readonly pid: number
  readonly isRunning: boolean
  /** All it wrote since the fleet began, over all its lives. */
  log(): string
  /** SIGKILL */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>
  /** SIGCONT */
  resume(): Promise<void>
  /** SIGTERM; SIGKILL after 10 s */
  end(): Promise<void>
  /** Starts it again with the same arguments, and for this life these settings; resolves when it answers. */
  start(settings?: Flags): Promise<void>
}

/** A network of its own on the run's bridge, with what runs in it. */
export interface LabMachine {
  readonly name: string
  /** IP address; published ports and services answer there */
  readonly address: string
  /** what is on its disk */
  readonly folder: string
  readonly processes: ReadonlyMap<string, LabProcess>
  /** Runs a command in its network to its end. Returns its stdout; throws with its stderr when it fails. */
  exec(file: string, ...args: string[]): Promise<string>
  /** Power cut: the network first, then everything at once. */
  crash(): Promise<void>
  /** A new boot on the same disk: crashes it if it runs, then starts everything it is for. Resolves when that answers. */
  reboot(): Promise<void>
}

export interface LabHost extends LabMachine {
  /** `unix:///...`, which works whatever is done to the network */
  readonly socket: string
  /** the engine by that socket */
  readonly docker: Docker
  readonly dockerd: LabProcess
  readonly containerd: LabProcess
  readonly registrar: LabProcess
  /** Takes all the space its engine has left. Only with the option `disk`. */
  fillDisk(): Promise<void>
  freeDisk(): Promise<void>
}

export interface LabMember extends LabMachine {
  /** for clients: http(s)://address:2379 */
  readonly url: string
  readonly etcd: LabProcess
  /** Removes its data. It must not run. */
  wipe(): Promise<void>
}

export interface LabGateway extends LabMachine {
  /** where clients reach apps: http://address:8080 */
  readonly origin: string
  readonly nginx: LabProcess
  readonly controller: LabProcess
  /** Takes all the space that its configuration has left. Only with the option `runDisk`. */
  fillDisk(): Promise<void>
  freeDisk(): Promise<void>
}

export interface LabLauncherHost extends LabMachine {
  /** where its API is: http://address:8091 */
  readonly origin: string
  readonly launcher: LabProcess
  /** A call of its API, with the token. */
  api(method: string, path: string, body?: object): Promise<Answer>
}

/** A whole Reveille over several machines. The process that started it is a client at the bridge's own address. */
export interface LabFleet {
  readonly hosts: readonly LabHost[]
  readonly members: readonly LabMember[]
  readonly gateways: readonly LabGateway[]
  readonly launchers: readonly LabLauncherHost[]
  readonly clients: readonly LabMachine[]
  /** every machine, by any order */
  readonly machines: readonly LabMachine[]
  /** the keys, through whichever member answers */
  readonly etcd: Store
  /** the launchers' API token */
  readonly token: string
  /** The machine of that name. Throws if there is none. */
  machine(name: string): LabMachine
  /** What `etcdctl` needs in its environment. */
  readonly etcdctl: Record<string, string>
  /** Adds an app through the first launcher that answers. Throws if it is refused. */
  add(app: AppInput): Promise<void>
  /**
   * Drops every packet between two machines, both ways and silently; between `one` and all others, this process
   * included, where no `other` is named. `cl` is this process.
   */
  partition(one: string, other?: string): Promise<void>
  /** Drops each packet from and to the machine with this probability, 0 to 1. */
  lose(one: string, probability: number): Promise<void>
  /** Ends what `partition` and `lose` did at this machine, or at all. A pair is healed by either of its names. */
  heal(one?: string): Promise<void>
  /** Ends it and removes everything it made. */
  stop(): Promise<void>
}
