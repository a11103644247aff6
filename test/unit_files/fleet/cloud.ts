import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Machine, makeMachine } from './machine.ts'

/** Looks for its user-data in a folder; has a network from whoever made the machine, and but one locale, as it is bare. */
const SOURCE = 'datasource_list: [NoCloud]\nnetwork: { config: disabled }\nlocale: false\n'

/**
 * Boots a machine as a cloud does: an image with cloud-init, and user-data for its first boot.
 * @throws Error if cloud-init ends with an error, or knows no such word as the user-data has
 */
export async function bootInCloud(
  folder: string,
  root: string,
  key: string,
  name: string,
  address: string,
  userData: string,
): Promise<Machine> {
  const image = await makeMachine(folder, root, key, name, address)
  await image.start()
  await image.type('apt-get update && apt-get install -y --no-install-recommends cloud-init')
  await image.cut()
  const disk = join(folder, name)
  const seed = join(disk, 'var/lib/cloud/seed/nocloud')
  await mkdir(seed, { recursive: true })
  await writeFile(join(seed, 'user-data'), await readFile(userData))
  await writeFile(join(seed, 'meta-data'), `instance-id: ${name}\n`)
  await writeFile(join(disk, 'etc/cloud/cloud.cfg.d/90_lab.cfg'), SOURCE)
  await image.start()
  await image.type(
    'cloud-init status --wait --long || { tail -n 50 /var/log/cloud-init-output.log; exit 1; }',
  )
  await image.type('cloud-init schema --system')
  return image
}
