const PORT = /^traefik\.http\.services\.[^.]+\.loadbalancer\.server\.port$/i

/** Whether a label tells Traefik at which port a container is asked. Traefik reads names of labels ignoring case. */
export function isTraefikPort(label: string): boolean {
  return PORT.test(label)
}
