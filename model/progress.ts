/** Where a wake is, in the order they come. */
export const PHASES = [
  'queued',
  'pulling',
  'creating',
  'starting',
  'waiting',
  'ready',
  'failed',
] as const
export type Phase = (typeof PHASES)[number]

/** The state of a wake as it is told to waiting clients, `reveille wake` and the events stream. */
export interface Progress {
  app: string
  phase: Phase
  /** with `pulling`, where known: 0 to 100 */
  percent?: number
  /** with `failed`: the reason; otherwise what is waited for */
  detail?: string
}
