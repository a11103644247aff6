import Docker from 'dockerode'
import { SANDBOX_LABEL } from '../model/network.ts'
import { ownerOf } from '../test/lab/containers.ts'
import { ask } from '../test/system/client.ts'

/** A container like one of ours, started by the engine's API alone: the floor of every cold start. */
export interface Twin {
  /** Starts it. Milliseconds until it answers, of these the engine's own, and what the first answer took that connected. */
  start(): Promise<{ took: number; start: number; answer: number }>
  /** Pauses it, which runs, and lets it go on. Milliseconds from then until it answers. */
  goOn(): Promise<{ took: number }>
  stop(): Promise<void>
  remove(): Promise<void>
}

/**
 * Milliseconds from `began` until `origin` gives its first byte, by a connect loop with 1 ms between tries; `answer`: of
 * these, from the connect on.
 */
async function firstByte(origin: string, began: number): Promise<{ took: number; answer: number }> {
  while (performance.now() - began < 60_000) {
    const asked = performance.now()
    const answer = await ask(origin, '/', { timeout: 10_000 }).catch(() => null)
    if (answer) {
      const took = asked + answer.firstByte - began
      return { took, answer: answer.firstByte - answer.connected }
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`${origin} never answered`)
}

/** The container of an app on this engine, not its sandbox. Throws if it has none. */
export async function containerOf(docker: Docker, app: string): Promise<Docker.Container> {
  const all = await docker.listContainers({
    all: true,
    filters: { label: [`reveille.app=${app}`] },
  })
  const made = all.find(({ Labels }) => Labels[SANDBOX_LABEL] === undefined)
  if (!made) throw new Error(`no container of ${app} was made`)
  return docker.getContainer(made.Id)
}

/**
 * Makes a twin of `model` on its engine, published at `address` on a `port` known beforehand: the direct start asks
 * the engine for nothing but the start. It has none of our labels, and a sandbox of its own that runs if the model has.
 */
export async function makeTwin(
  docker: Docker,
  model: Docker.Container,
  { name, address, port }: { name: string; address: string; port: number },
): Promise<Twin> {
  const made: Docker.Container[] = []
  const copy = async (of: Docker.Container, more: Docker.ContainerCreateOptions) => {
    const { Config, HostConfig } = await of.inspect()
    const ports = Object.keys(Config.ExposedPorts ?? {})
    const container = await docker.createContainer({
      Image: Config.Image,
      Env: Config.Env,
      ExposedPorts: Config.ExposedPorts ?? {},
      ...more,
      HostConfig: {
        ...HostConfig,
        PortBindings: Object.fromEntries(
          ports.map((inside) => [inside, [{ HostIp: '0.0.0.0', HostPort: String(port) }]]),
        ),
        ...more.HostConfig,
      },
    })
    made.push(container)
    return container
  }
  const { HostConfig } = await model.inspect()
  const owner = ownerOf(HostConfig)
  const sandbox = owner && (await copy(docker.getContainer(owner), { name: `${name}-sandbox` }))
  if (sandbox) await sandbox.start()
  const twin = await copy(model, {
    name,
    ...(sandbox && {
      ExposedPorts: {},
      HostConfig: { NetworkMode: `container:${sandbox.id}`, PortBindings: {} },
    }),
  })
  return {
    start: async () => {
      const began = performance.now()
      await twin.start()
      const start = performance.now() - began
      return { ...(await firstByte(`http://${address}:${port}`, began)), start }
    },
    goOn: async () => {
      await twin.pause()
      const began = performance.now()
      await twin.unpause()
      return await firstByte(`http://${address}:${port}`, began)
    },
    stop: async () => void (await twin.stop({ t: 1 })),
    remove: async () => {
      for (const container of made.toReversed()) await container.remove({ force: true })
    },
  }
}
