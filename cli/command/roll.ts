import type { z } from 'zod'
import { escapeLine, escapeText, printJson } from '../escape.ts'
import { Failure, Gone } from '../failure.ts'
import { ProgressLine } from '../progress.ts'
import { RollStepView, Told, understandText } from '../reply.ts'
import type { Session } from '../session.ts'

/** A change that exchanges instances, as the API streams it. */
export interface RollCall {
  method: 'POST' | 'PUT'
  path: string
  body?: unknown
  /** the event that says that it is done */
  done: string
  /** said of a failure before anything but a try was made */
  untouched?: string
  /** what goes on when this command is interrupted */
  goesOn: string
}

const WORDS: Record<z.output<typeof RollStepView>['step'], string> = {
  proving: 'tries an instance',
  storing: 'is stored',
  draining: 'open requests may end',
  starting: 'starts anew',
  removing: 'clears away',
  'going-back': 'goes back',
}

/**
 * Does it in sight: a line for each step. Returns the data of the event that ends it.
 * @throws Failure with the reason where it failed, or was interrupted
 */
export async function rollInSight(session: Session, call: RollCall): Promise<string> {
  const { api, json, terminal } = session
  const line = new ProgressLine(json ? { ...terminal, live: false, err: () => {} } : terminal)
  let last = ''
  let isTouched = false
  try {
    for await (const { event, data } of api.events(call.method, call.path, call.body)) {
      if (event === call.done) return data
      if (event === 'failed') {
        line.end()
        throw failure(session, data, isTouched ? undefined : call.untouched)
      }
      const step = understandText(RollStepView, data)
      isTouched ||= step.step !== 'proving'
      if (json) {
        terminal.out(`${printJson({ event, ...step }, 0)}\n`)
        continue
      }
      const text = textOf(step)
      line.say(text)
      if (!terminal.live && text !== last) terminal.err(`${text}\n`)
      last = text
    }
  } catch (error) {
    if (!(error instanceof Gone)) throw error
  } finally {
    line.end()
  }
  if (terminal.interrupt().aborted) throw new Failure('interrupted', [call.goesOn])
  throw new Failure('the launcher went away meanwhile', [
    'Run this again once its lease is over (10 s): it goes on where it stopped.',
    'Another launcher does it too: name it with --api or REVEILLE_API.',
  ])
}

function textOf({ app, step, slot, phase, detail }: z.output<typeof RollStepView>): string {
  const what = slot === undefined ? escapeLine(app) : `${escapeLine(app)}/${slot}`
  const more = phase ?? detail?.split('\n')[0] ?? ''
  return `${what} ${WORDS[step]}${more === '' ? '' : ` (${escapeLine(more)})`}`
}

/** What to say of a problem: its reason, and above it the last lines of the app where they came along. */
function failure({ json, terminal }: Session, data: string, untouched?: string): Failure {
  const { title, detail = '', retryAfter } = understandText(Told, data)
  const [reason = '', ...lines] = detail.split('\n')
  if (json) terminal.out(`${printJson({ event: 'failed', problem: JSON.parse(data) }, 0)}\n`)
  else if (lines.length > 0) {
    terminal.err('Its last lines:\n')
    for (const text of lines) terminal.err(`  ${escapeText(text)}\n`)
  }
  const hints = untouched === undefined ? [] : [untouched]
  if (retryAfter !== undefined) hints.push(`Another try makes sense in ${retryAfter} s.`)
  return new Failure(reason === '' ? title : `${title}: ${reason}`, hints)
}
