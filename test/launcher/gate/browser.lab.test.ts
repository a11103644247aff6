import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askUntil } from '../../system/client.ts'
import { type Cluster, startCluster } from '../../system/cluster.ts'

let cluster: Cluster
let browser: Browser
const complaints: string[] = []

beforeAll(async () => {
  cluster = await startCluster(['--page-after', '200'])
  // An unknown name is a 404 as soon as the gateway knows the launcher.
  await askUntil(cluster.origin, '/nobody/', ({ status }) => status === 404, 20)
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Tests run as root, where its sandbox cannot.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
})
afterAll(async () => {
  await browser.close()
  await cluster.stop()
})

async function open(name: string, options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
  const page = await browser.newPage(options)
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => complaints.push(dialog.message()))
  await page.goto(`${cluster.origin}/${name}/`)
  return page
}

async function add(name: string, env: Record<string, string>): Promise<void> {
  await cluster.add({ name, image: 'reveille-test/app:1', env: { NAME: name, ...env } })
}

describe('a browser', () => {
  it('sees the waiting page and then, by itself, the app', async () => {
    await add('slow', { START_DELAY_MS: '8000' })
    const page = await open('slow')
    expect(await page.textContent('h1')).toBe('slow is waking up')
    await page.getByText('"app":"slow"').waitFor()
    await page.close()
  })

  it('without JavaScript gets there as well', async () => {
    await add('plain', { START_DELAY_MS: '8000' })
    const page = await open('plain', { javaScriptEnabled: false })
    expect(await page.textContent('h1')).toBe('plain is waking up')
    await page.getByText('"app":"plain"').waitFor()
    await page.close()
  })

  it('is told why an app failed, what it wrote last, and when to try again', async () => {
    await add('crash', { NAME: '<img src=x onerror=alert(1)>', EXIT_CODE: '4' })
    const page = await open('crash')
    await page.waitForSelector('#retry')
    const text = await page.innerText('main')
    expect(text.toLowerCase()).toContain('exited with code 4')
    expect(text).toContain('<img src=x onerror=alert(1)>: asked to exit with 4')
    expect(await page.locator('img').count()).toBe(0)
    await page.getByText('It can be started again now.').waitFor()
    await page.close()
  })

  it('had nothing to complain about', () => {
    expect(complaints).toEqual([])
  })
})
