import { randomBytes } from 'node:crypto'
import nunjucks from 'nunjucks'
import { canonical } from '../../model/name.ts'
import type { Order } from './order.ts'

/** Sources of the pages, as templates/pages has them. */
export interface PageTemplates {
  waiting: string
  problem: string
}

export interface RenderedPage {
  status: number
  headers: Record<string, string>
  body: string
}

/** What the waiting page says for each phase until it hears more. */
const WORDS: Record<string, string> = {
  queued: 'Getting in line',
  pulling: 'Fetching the image',
  creating: 'Creating the container',
  starting: 'Starting the app',
  waiting: 'Waiting for the app to answer',
  ready: 'Ready',
  failed: 'It could not be started',
}

/** Renders what a client gets instead of its app: a page for a browser, problem details for everybody else. */
export class Pages {
  readonly #waiting: nunjucks.Template
  readonly #problem: nunjucks.Template

  /** Throws if a template has a syntax error. */
  constructor(templates: PageTemplates) {
    const environment = new nunjucks.Environment(null, {
      autoescape: true,
      throwOnUndefined: true,
      trimBlocks: true,
      lstripBlocks: true,
    })
    this.#waiting = nunjucks.compile(templates.waiting, environment)
    this.#problem = nunjucks.compile(templates.problem, environment)
  }

  render(order: Order): RenderedPage {
    const { problem, kind } = order
    const headers: Record<string, string> = {
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'retry-after': String(order.retryAfter),
    }
    if (!order.wantsHtml) {
      headers['content-type'] = 'application/problem+json'
      return { status: problem.status, headers, body: `${JSON.stringify(problem)}\n` }
    }
    const nonce = randomBytes(16).toString('base64')
    headers['content-type'] = 'text/html; charset=utf-8'
    headers['content-security-policy'] = policy(nonce)
    headers['referrer-policy'] = 'same-origin'
    const [reason = '', ...log] = (problem.detail ?? '').split('\n')
    const context = {
      nonce,
      app: order.app,
      events: `/_reveille/events/${encodeURIComponent(canonical(order.app))}`,
      retryAfter: order.retryAfter,
      title: problem.title,
      status: problem.status,
      reason,
      log,
      words: WORDS,
    }
    const template = kind === 'waiting' ? this.#waiting : this.#problem
    return { status: problem.status, headers, body: template.render(context) }
  }
}

/** Nothing loads but what carries the nonce; the page talks to its own gateway only. */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; ')
}
