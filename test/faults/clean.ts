import type { LabFleet } from '../lab/fleet/fleet.ts'

/** Removes all apps and their containers through the API, and by hand what the API does not know. */
export async function clean(fleet: LabFleet): Promise<void> {
  const [launcher] = fleet.launchers
  const answer = await launcher?.api('GET', '/v1/apps')
  const { apps } = JSON.parse(answer?.text ?? '{"apps":[]}') as { apps: { name: string }[] }
  await Promise.all(apps.map(({ name }) => launcher?.api('DELETE', `/v1/apps/${name}`)))
  for (const { docker } of fleet.hosts) {
    const filters = { label: ['reveille.app'] }
    const left = await docker.listContainers({ all: true, filters })
    await Promise.all(
      left.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })),
    )
  }
}
