import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { labEngine } from './engine.ts'
import { temporaryFolder } from './folder.ts'
import { networkOf } from './network.ts'
import { startPart } from './part.ts'
import { freePort } from './port.ts'
import { currentRun } from './run.ts'

export interface LabRegistry {
  /** host:port, what image references begin with */
  address: string
  /** Puts an image of the lab's one engine there under `name:tag`, and takes it out of it. Returns its reference. */
  offer(image: string, name: string): Promise<string>
  stop(): Promise<void>
}

/** An address for a registry on the run's bridge, where the lab's engines take images from. */
export async function registryAddress(): Promise<string> {
  return `${networkOf(currentRun()).gateway}:${await freePort()}`
}

/** Starts an image registry that the lab's engines reach over the run's bridge, which must be there. */
export async function startRegistry(address?: string): Promise<LabRegistry> {
  address ??= await registryAddress()
  const folder = await temporaryFolder()
  const config = join(folder, 'config.yml')
  await writeFile(
    config,
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${folder}/images } }\nhttp: { addr: "${address}" }\n`,
  )
  const part = await startPart('docker-registry', ['serve', config])
  await part.until(async () => (await fetch(`http://${address}/v2/`)).ok)
  return {
    address,
    offer: async (image, name) => {
      const docker = new Docker({ socketPath: labEngine().url.replace('unix://', '') })
      const [repository = '', tag = 'latest'] = name.split(':')
      const reference = `${address}/${name}`
      await docker.getImage(image).tag({ repo: `${address}/${repository}`, tag })
      const push = await docker
        .getImage(reference)
        .push({ authconfig: { username: '', password: '' } })
      let last = ''
      for await (const chunk of push) last = String(chunk)
      if (last.includes('"error"')) throw new Error(`pushing ${reference}: ${last}`)
      await docker.getImage(reference).remove()
      return reference
    },
    stop: () => part.end(),
  }
}
