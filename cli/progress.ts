import { escapeLine } from './escape.ts'
import type { Step } from './reply.ts'
import type { Terminal } from './terminal.ts'

/** What is drawn over a line: back to its begin, and away with what was there. */
const CLEAR = '\r\u001b[K'

/** Shows how far a wake is on stderr: one line drawn over on a terminal, a line for each phase elsewhere. */
export class ProgressLine {
  readonly #terminal: Terminal
  readonly #started = performance.now()
  #text = ''
  #phase: Step['phase'] | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(terminal: Terminal) {
    this.#terminal = terminal
    if (!terminal.live) return
    this.#timer = setInterval(() => this.#draw(), 100)
    this.#timer.unref()
  }

  /** Seconds since this began, as people read them. */
  get elapsed(): string {
    const seconds = (performance.now() - this.#started) / 1000
    return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`
  }

  show(progress: Step): void {
    const news = this.#phase !== progress.phase
    this.#phase = progress.phase
    this.say(textOf(progress))
    if (news && !this.#terminal.live) this.#terminal.err(`${this.#line}\n`)
  }

  /** Says what is waited for, where that can be drawn over. */
  say(text: string): void {
    this.#text = text
    if (this.#terminal.live) this.#draw()
  }

  /** Leaves an empty line to write on. */
  end(): void {
    clearInterval(this.#timer)
    if (this.#terminal.live) this.#terminal.err(CLEAR)
  }

  #draw(): void {
    if (this.#text === '') return
    this.#terminal.err(CLEAR + this.#line.slice(0, this.#terminal.width - 1))
  }

  get #line(): string {
    return `${this.#text}  ${this.elapsed}`
  }
}

function textOf({ app, phase, percent, detail }: Step): string {
  const parts = [escapeLine(app), phase]
  if (percent !== undefined) parts.push(`${Math.floor(percent)} %`)
  if (detail) parts.push(`(${escapeLine(detail)})`)
  return parts.join(' ')
}

/** Shows on a terminal what is waited for, until it is there. */
export async function waitInSight<T>(
  terminal: Terminal,
  text: string,
  work: Promise<T>,
): Promise<T> {
  const line = new ProgressLine(terminal)
  line.say(text)
  try {
    return await work
  } finally {
    line.end()
  }
}
