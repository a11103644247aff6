import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStage, type Stage } from './stage.ts'

interface Operation {
  operationId?: string
  summary?: string
  tags?: string[]
  security?: object[]
  parameters?: { name: string; in: string; required?: boolean; schema: object }[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { description?: string; content?: Record<string, { schema: object }> }>
}
interface Document {
  openapi: string
  info: { title: string; version: string }
  paths: Record<string, Record<string, Operation>>
  components: { securitySchemes: object; schemas?: object }
}

let stage: Stage
let document: Document
/** `METHOD /path/{parameter}` of every route there is */
const routes: string[] = []

beforeAll(async () => {
  stage = await openStage()
  await stage.api.ready()
  document = (await stage.api.inject({ url: '/openapi.json' })).json()
  const tree = stage.api.printRoutes({ commonPrefix: false })
  const path: string[] = []
  for (const line of tree.split('\n')) {
    const match = /^([│ ]*)(?:└|├)── (\S+)(?: \(([A-Z, ]+)\))?$/.exec(line)
    if (!match) continue
    const depth = (match[1] ?? '').length / 4
    path.splice(depth, path.length, match[2] ?? '')
    for (const method of match[3]?.split(', ') ?? [])
      routes.push(`${method} ${path.join('').replace(/:(\w+)/g, '{$1}')}`)
  }
})
afterAll(() => stage.close())

const operations = (): [string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  )

test('every route is described, and nothing else', () => {
  expect(routes.length).toBeGreaterThan(20)
  expect(
    operations()
      .map(([name]) => name)
      .sort(),
  ).toEqual(routes.sort())
})

test('it is a whole OpenAPI 3.1 document', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(document.info).toMatchObject({ title: 'Reveille', version: '1' })
  const ids = operations().map(([, operation]) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const [name, operation] of operations()) {
    expect(operation.summary, name).toMatch(/./)
    expect(operation.tags, name).toHaveLength(1)
    const inPath = [...name.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    const parameters = operation.parameters ?? []
    const described = parameters.filter((parameter) => parameter.in === 'path')
    expect(described.map((parameter) => parameter.name)).toEqual(inPath)
    expect(described.every((parameter) => parameter.required)).toBe(true)
    expect(Object.keys(operation.responses).length, name).toBeGreaterThan(0)
    for (const response of Object.values(operation.responses))
      expect(response.description, name).toEqual(expect.any(String))
    if (operation.security) continue
    const problem = operation.responses.default?.content?.['application/problem+json']
    expect(problem, name).toMatchObject({ schema: { type: 'object' } })
  }
})

test('every reference in it leads somewhere', () => {
  const look = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, value] of Object.entries(node)) {
      if (key === '$ref' && typeof value === 'string') {
        const steps = value.replace(/^#\//, '').split('/')
        const found = steps.reduce<unknown>(
          (at, step) => (at as Record<string, unknown> | undefined)?.[step],
          document,
        )
        expect(found, value).toBeDefined()
      }
      look(value)
    }
  }
  look(document)
})

test('the body of an app is described field by field, as it is read', () => {
  const create = document.paths['/v1/apps']?.post
  const schema = create?.requestBody?.content['application/json']?.schema
  expect(schema).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: ['name', 'image'],
    properties: { idleAfter: { default: 300, type: ['string', 'number'] } },
  })
  const shown = document.paths['/v1/apps/{name}']?.get?.responses['200']?.content
  expect(shown?.['application/json']?.schema).toMatchObject({
    properties: { status: { type: 'object' }, idleAfter: { type: 'integer' } },
  })
})
