/** An error in the one shape every interface uses: RFC 9457 problem details. */
export interface Problem {
  /** `urn:reveille:problem:<code>`, stable for scripts */
  type: string
  title: string
  status: number
  detail?: string
  app?: string
  /** seconds after which another try makes sense */
  retryAfter?: number
  /** which parts of the input are wrong */
  errors?: { path: string; message: string }[]
}

export const PROBLEMS = {
  'unknown-app': { status: 404, title: 'No such app' },
  'not-found': { status: 404, title: 'Not found' },
  'not-available': { status: 404, title: 'This app is not available' },
  'invalid-input': { status: 400, title: 'The input is not valid' },
  unauthorized: { status: 401, title: 'A valid token is needed' },
  'bad-login': { status: 401, title: 'There is no such user, or the password is another' },
  'slow-down': { status: 429, title: 'Too many log-ins of this client failed' },
  forbidden: { status: 403, title: 'Cross-site requests are refused' },
  conflict: { status: 409, title: 'It conflicts with what is there' },
  'too-large': { status: 413, title: 'The request is too large' },
  'not-json': { status: 415, title: 'A body must be application/json' },
  changed: { status: 412, title: 'It has changed since it was read' },
  misdirected: { status: 421, title: 'This host name is not served here' },
  'start-failed': { status: 503, title: 'The app could not be started' },
  'backing-off': { status: 503, title: 'The app keeps failing; the next try waits' },
  'not-ready': { status: 504, title: 'The app did not get ready in time' },
  overloaded: { status: 503, title: 'Too many requests wait' },
  unavailable: { status: 503, title: 'The service cannot do this right now' },
  waiting: { status: 503, title: 'The app is being started' },
  internal: { status: 500, title: 'Something went wrong here' },
} as const
export type ProblemCode = keyof typeof PROBLEMS

export function problem(
  code: ProblemCode,
  more: Omit<Problem, 'type' | 'title' | 'status'> = {},
): Problem {
  return { type: `urn:reveille:problem:${code}`, ...PROBLEMS[code], ...more }
}

/** A failure with a problem to show. Thrown inside a service, turned into a reply in one place. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly problem: Problem

  constructor(code: ProblemCode, more: Omit<Problem, 'type' | 'title' | 'status'> = {}) {
    super(more.detail ?? PROBLEMS[code].title)
    this.code = code
    this.problem = problem(code, more)
  }
}
