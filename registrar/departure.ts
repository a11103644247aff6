/** Who waits for a key to go, and as of which revision it is gone. */
export class Departure {
  #waiting: ((revision: string | null) => void)[] = []
  /** revision of the latest removal since it was last wanted, 0 if there was none */
  #removed = 0n

  get isAwaited(): boolean {
    return this.#waiting.length > 0
  }

  get isSeen(): boolean {
    return this.#removed > 0n
  }

  /** Resolves with the revision of its removal, '0' if it was not there, or null if it is wanted again before. */
  wait(): Promise<string | null> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** It was removed at `revision`. */
  note(revision: string): void {
    if (BigInt(revision) > this.#removed) this.#removed = BigInt(revision)
  }

  /** It is gone for everybody who waits. */
  complete(): void {
    for (const told of this.#waiting.splice(0)) told(String(this.#removed))
  }

  /** It is wanted again. */
  cancel(): void {
    this.forget()
    for (const told of this.#waiting.splice(0)) told(null)
  }

  /** Revisions begin anew. */
  forget(): void {
    this.#removed = 0n
  }
}
