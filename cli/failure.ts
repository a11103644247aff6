/** A command that cannot do what it was asked. Shown as one line, then what to do about it. */
export class Failure extends Error {
  /** 1: it failed, 2: it was asked wrongly */
  readonly exitCode: 1 | 2
  /** what the reader can do, a line each */
  readonly hints: string[]

  constructor(message: string, hints: string[] = [], exitCode: 1 | 2 = 1) {
    super(message)
    this.exitCode = exitCode
    this.hints = hints
  }
}

/** The API refused what it was asked for. */
export class Refusal extends Failure {
  /** of the HTTP answer */
  readonly status: number

  constructor(status: number, message: string, hints: string[]) {
    super(message, hints)
    this.status = status
  }
}

/** The API broke off in the middle of an answer. */
export class Gone extends Failure {}

/** The caller got the arguments wrong. */
export function misuse(message: string, ...hints: string[]): Failure {
  return new Failure(message, hints, 2)
}

/** The system's code of an error (`ECONNREFUSED`), also of one wrapped in another; '' if it has none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? '' : codeOf(error.cause)
}
