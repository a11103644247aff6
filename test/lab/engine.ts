import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Docker from 'dockerode'
import { currentRun } from './run.ts'

/** A Docker engine as tests see it. */
export interface LabEngine {
  /** `unix:///...`, as DOCKER_HOST. */
  url: string
  /** Where its published ports answer, from the machine itself. */
  address: string
}

/** The run's one engine. Only in files named `*.lab.test.ts`: vitest starts it for them. */
export function labEngine(): LabEngine {
  return JSON.parse(readFileSync(join(currentRun().folder, 'engine.json'), 'utf8')) as LabEngine
}

/**
 * Removes every container, network and volume of ours from the run's engine. Files of project `lab` run one at a time, and share it: what an
 * earlier one left would be registered, counted and routed to in the next.
 */
export async function clearEngine(): Promise<void> {
  const docker = new Docker({ socketPath: labEngine().url.replace('unix://', '') })
  const left = await docker.listContainers({ all: true, filters: { label: ['reveille.app'] } })
  await Promise.all(left.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })))
  const ours = { filters: { label: ['reveille.group'] } }
  const networks = await docker.listNetworks(ours)
  await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove()))
  const { Volumes } = await docker.listVolumes(ours)
  await Promise.all((Volumes ?? []).map(({ Name }) => docker.getVolume(Name).remove()))
}
