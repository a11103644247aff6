import { z } from 'zod'

/** The proxies a controller writes for, and what it calls the file unless told. */
export const PROXIES = { nginx: 'nginx.conf', haproxy: 'haproxy.cfg' } as const

export const ProxyKind = z.enum(['nginx', 'haproxy'])
