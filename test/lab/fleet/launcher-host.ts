import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Answer, ask } from '../../system/client.ts'
import type { LabLauncherHost } from './fleet.ts'
import { Machine } from './machine.ts'
import type { Program } from './program.ts'
import { servicePlan } from './service.ts'
import type { Place, Site } from './site.ts'

/** A machine with a launcher. */
export class LauncherHost extends Machine implements LabLauncherHost {
  readonly origin: string
  readonly launcher: Program
  readonly #token: string

  constructor(site: Site, place: Place) {
    super(site, place)
    const { address } = place
    const { ca, client } = site.certificates
    this.#token = site.token
    this.origin = `http://${address}:8091`
    const plan = servicePlan(site, this, 'launcher', {
      port: 8091,
      flags: {
        'wake-listen': `${address}:8090`,
        'api-listen': `${address}:8091`,
        ...(site.options.engines === 'tls' && {
          'docker-ca': ca.cert,
          'docker-cert': client.cert,
          'docker-key': client.key,
        }),
      },
    })
    this.launcher = this.install('launcher', { ...plan, prepare: () => this.#giveToken() })
  }

  /** All launchers take the same token, so that a client may go to any. */
  async #giveToken(): Promise<void> {
    const folder = join(this.folder, 'state')
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, 'token'), `${this.#token}\n`, { mode: 0o600 })
  }

  api(method: string, path: string, body?: object): Promise<Answer> {
    return ask(this.origin, path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
  }
}
