import type Docker from 'dockerode'
import { GROUP_LABEL, networkName, VOLUME_LABEL, volumeName } from '../model/group.ts'
import { canonical } from '../model/name.ts'
import { getPath, makeCall, orNull, SLOW } from './docker-call.ts'
import { EngineError } from './docker-error.ts'

interface Labelled {
  Labels?: Record<string, string> | null
}

/**
 * Networks and volumes of groups on one engine. Only what has our labels is used or removed: one of the same name that
 * somebody else made is refused with an EngineError `denied`. Deadlines as for other calls: 5 s, to make or remove 60 s.
 */
export class Groups {
  readonly #docker: Docker

  constructor(docker: Docker) {
    this.#docker = docker
  }

  /** Sees to it that the group has its network. */
  async provideNetwork(group: string): Promise<void> {
    const name = networkName(group)
    const labels = { [GROUP_LABEL]: canonical(group) }
    let found = await this.#network(name)
    if (!found) {
      const body = { Name: name, Driver: 'bridge', CheckDuplicate: true, Labels: labels }
      await makeCall((abortSignal) => this.#docker.createNetwork({ ...body, abortSignal }), {
        limit: SLOW,
        fine: [409], // another start of the group made it
      })
      found = await this.#network(name)
    }
    own(found, labels, `network ${name}`)
  }

  /** Removes the network of a group that has no container left, running or not; that there is none is fine. */
  async dropNetwork(group: string): Promise<void> {
    const name = networkName(group)
    const labels = { [GROUP_LABEL]: canonical(group) }
    const filters = { network: [name] }
    const members = await makeCall((abortSignal) =>
      this.#docker.listContainers({ all: true, filters, abortSignal }),
    )
    if (members.length > 0) return
    const found = await this.#network(name)
    if (!found) return
    own(found, labels, `network ${name}`)
    // 403: a container has come meanwhile
    await makeCall((abortSignal) => this.#docker.getNetwork(name).remove({ abortSignal }), {
      limit: SLOW,
      fine: [403, 404],
    })
  }

  /** Whether there is this volume of a group, or of an app that is in none. */
  async hasVolume(scope: string, volume: string): Promise<boolean> {
    const found = await this.#volume(scope, volume)
    if (found) own(found, labelsOf(scope, volume), `volume ${volumeName(scope, volume)}`)
    return found !== null
  }

  /** Makes a volume; that it is there already is fine. */
  async createVolume(scope: string, volume: string): Promise<void> {
    const name = volumeName(scope, volume)
    const labels = labelsOf(scope, volume)
    const body = { Name: name, Driver: 'local', Labels: labels }
    await makeCall((abortSignal) => this.#docker.createVolume({ ...body, abortSignal }), {
      limit: SLOW,
    })
    // the engine is content with one that is there, whoever made it
    own(await this.#volume(scope, volume), labels, `volume ${name}`)
  }

  /** Removes a volume with all that is in it; that it is gone is fine. EngineError `conflict` while it is used. */
  async removeVolume(scope: string, volume: string): Promise<void> {
    const name = volumeName(scope, volume)
    const found = await this.#volume(scope, volume)
    if (!found) return
    own(found, labelsOf(scope, volume), `volume ${name}`)
    await makeCall((abortSignal) => this.#docker.getVolume(name).remove({ abortSignal }), {
      limit: SLOW,
      fine: [404],
    })
  }

  #network(name: string): Promise<Labelled | null> {
    return orNull((abortSignal) => getPath(this.#docker, `/networks/${name}`, abortSignal))
  }

  #volume(scope: string, volume: string): Promise<Labelled | null> {
    const path = `/volumes/${volumeName(scope, volume)}`
    return orNull((abortSignal) => getPath(this.#docker, path, abortSignal))
  }
}

function labelsOf(scope: string, volume: string): Record<string, string> {
  return { [GROUP_LABEL]: canonical(scope), [VOLUME_LABEL]: canonical(volume) }
}

function own(found: Labelled | null, labels: Record<string, string>, what: string): void {
  const isOurs = Object.entries(labels).every(([name, value]) => found?.Labels?.[name] === value)
  if (!isOurs) throw new EngineError('denied', `${what} is not labelled as ours`)
}
