import { Failure, Refusal } from '../failure.ts'
import { pathOf, type Session } from '../session.ts'
import { inTurn } from '../turn.ts'

export interface StoreOptions {
  kind: 'app' | 'blueprint'
  /** whether what is there already gives way */
  replace: boolean
  /** told each record as it is stored now */
  onStored(stored: unknown): Promise<void> | void
  /** what else can be done about a name that is taken */
  hints: string[]
}

/**
 * Stores records one after the other. Names that are taken are left as they are, the others are stored all the same.
 * @throws Failure that says which were left, or what was refused
 */
export async function store(
  { api, terminal }: Session,
  records: readonly { name: string }[],
  { kind, replace, onStored, hints }: StoreOptions,
): Promise<void> {
  const taken: { name: string; refusal: Refusal }[] = []
  const put = async (body: { name: string }): Promise<void> => {
    const sent = replace
      ? api.send('PUT', pathOf(kind, body.name), { body })
      : api.send('POST', `/v1/${kind}s`, { body })
    try {
      await onStored(await sent)
    } catch (error) {
      if (replace || !(error instanceof Refusal) || error.status !== 409) throw error
      taken.push({ name: body.name, refusal: error })
    }
  }
  if (records.length === 0) terminal.err(`There is no ${kind} in it.\n`)
  await inTurn(records, put)
  const [first] = taken
  if (!first) return
  const cure = 'Replace what is there: add --replace'
  if (records.length === 1)
    throw new Failure(first.refusal.message, [...first.refusal.hints, ...hints, cure])
  const names = taken.map(({ name }) => name).join(', ')
  const others = taken.length < records.length ? ['The others are stored.'] : []
  throw new Failure(
    `${taken.length} of ${records.length} ${kind}s were there already and stay as they are: ${names}`,
    [...others, cure],
  )
}
