import { escapeLine } from './escape.ts'
import type { Step } from './reply.ts'
import type { Terminal } from './terminal.ts'

/** What is drawn over a line: back to its begin, and away with what was there. */
const CLEAR = '\r\u001b[K'

/** Shows how far a wake is on stderr: one line drawn over on a terminal, a line for each phase elsewhere. */
export class ProgressLine {
  readonly #terminal: Terminal
  readonly #started = performance.now()
  #last: Step | null = null
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
    const news = this.#last?.phase !== progress.phase
    this.#last = progress
    if (this.#terminal.live) this.#draw()
    else if (news) this.#terminal.err(`${this.#line(progress)}\n`)
  }

  /** Leaves an empty line to write on. */
  end(): void {
    clearInterval(this.#timer)
    if (this.#terminal.live) this.#terminal.err(CLEAR)
  }

  #draw(): void {
    if (!this.#last) return
    this.#terminal.err(CLEAR + this.#line(this.#last).slice(0, this.#terminal.width - 1))
  }

  #line({ app, phase, percent, detail }: Step): string {
    const parts = [escapeLine(app), phase]
    if (percent !== undefined) parts.push(`${Math.floor(percent)} %`)
    if (detail) parts.push(`(${escapeLine(detail)})`)
    return `${parts.join(' ')}  ${this.elapsed}`
  }
}
