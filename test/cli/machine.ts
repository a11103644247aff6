import { type Part, startPart } from '../lab/part.ts'

/**
 * A machine for one test: a network and a mount namespace with /run, /etc and /var/lib of its own, so that every default
 * port and folder is free, and other engines of this machine come and go unseen.
 */
export async function startMachine(): Promise<Part> {
  const script = [
    'ip link set lo up',
    'mount -t tmpfs -o mode=755 tmpfs /run',
    'mount -t tmpfs -o mode=755 tmpfs /var/lib',
    'mount -t tmpfs -o mode=755 tmpfs /mnt',
    'cp -a /etc/. /mnt',
    'mount --move /mnt /etc',
    'echo up',
    'exec sleep infinity',
  ].join('\n')
  const unshare = ['--net', '--mount', '--propagation', 'private', 'sh', '-ec', script]
  const machine = await startPart('unshare', unshare)
  await machine.until(async () => machine.output.includes('up'))
  return machine
}

/** What a command line begins with to run on the machine. */
export function insideOf(machine: Part): string[] {
  return ['nsenter', '--target', `${machine.pid}`, '--net', '--mount', '--']
}
