import type Docker from 'dockerode'
import type { LabHost } from '../lab/fleet/fleet.ts'
import { APP_IMAGE } from '../lab/image.ts'

/**
 * Makes a container of the test app straight at a host's engine, as somebody might by hand: with our label, so its
 * registrar adopts it. `port`: the host's port it is published on; the engine chooses one unless given.
 */
export function createByHand(
  { docker }: LabHost,
  app: string,
  port = '',
): Promise<Docker.Container> {
  return docker.createContainer({
    Image: APP_IMAGE,
    Env: [`NAME=${app}`],
    Labels: { 'reveille.app': app, 'reveille.idle-after': '1h' },
    ExposedPorts: { '8000/tcp': {} },
    HostConfig: {
      Init: true,
      PortBindings: { '8000/tcp': [{ HostIp: '0.0.0.0', HostPort: port }] },
    },
  })
}
