import { describe, expect, it } from 'vitest'
import { readPages } from '../../../adapters/templates.ts'
import { Pages } from '../../../launcher/gate/page.ts'
import { type ProblemCode, problem } from '../../../model/problem.ts'

const pages = new Pages(readPages())

function render(code: ProblemCode, detail: string, wantsHtml = true) {
  const kind = code === 'waiting' ? ('waiting' as const) : ('problem' as const)
  const shown = problem(code, { app: 'shop', detail, retryAfter: 8 })
  return pages.render({ kind, problem: shown, app: 'shop', wantsHtml, retryAfter: 8 })
}

describe('the waiting page', () => {
  const { status, headers, body } = render('waiting', 'starting')

  it('is no success, is not kept, and says when to come back', () => {
    expect(status).toBe(503)
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'retry-after': '8' })
  })

  it('runs and loads nothing but what carries its nonce', () => {
    const policy = headers['content-security-policy'] ?? ''
    const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1]
    expect(nonce).toMatch(/^[A-Za-z0-9+/]{22}==$/)
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    expect(body.match(/<script/g)).toHaveLength(1)
    expect(body).toContain(`<script nonce="${nonce}">`)
    expect(body).toContain(`<style nonce="${nonce}">`)
    expect(body).not.toMatch(/\sstyle="|\son[a-z]+="|https?:\/\//)
    expect(render('waiting', 'starting').headers['content-security-policy']).not.toBe(policy)
  })

  it('follows the events of its app, and refreshes where there is no JavaScript', () => {
    expect(body).toContain("new EventSource('/_reveille/events/shop')")
    expect(body).toContain('<noscript><meta http-equiv="refresh" content="2"></noscript>')
    expect(body).toContain('aria-live="polite">Starting the app<')
  })
})

describe('the problem page', () => {
  it('shows the reason and the last lines, escaped', () => {
    const { status, body } = render(
      'start-failed',
      'exited with code 1\n<img src=x onerror=alert(1)>',
    )
    expect(status).toBe(503)
    expect(body).toContain('exited with code 1')
    expect(body).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(body).not.toContain('<img')
    expect(body).toContain('in 8 s')
  })

  it('has the status of its problem', () => {
    expect(render('not-ready', 'too slow').status).toBe(504)
    expect(render('overloaded', 'too many').status).toBe(503)
  })

  it('is problem details for who wants no HTML', () => {
    const { headers, body } = render('not-ready', '<b>too slow</b>', false)
    expect(headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(body)).toEqual(
      problem('not-ready', { app: 'shop', detail: '<b>too slow</b>', retryAfter: 8 }),
    )
  })
})
