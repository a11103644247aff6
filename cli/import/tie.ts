import type { Sessions } from './sablier.ts'
import type { Draft } from './service.ts'

/** Gives drafts what they have from one another: dependencies, groups, and how long they stay awake. */
export function tie(drafts: readonly Draft[], sessions: Sessions, project: string): void {
  const needs = new Map(drafts.map((draft) => [draft, needsOf(draft, drafts)]))
  wakeTogether(drafts, needs)
  const needed = new Set([...needs.values()].flatMap((all) => [...all]))
  const groups = groupsOf(drafts, project)
  for (const draft of drafts) {
    const { fields, notes, service, sablier } = draft
    fields.dependsOn = [...(needs.get(draft) ?? [])].map(({ name }) => name)
    const group = groups.get(draft)
    if (group !== undefined) fields.group = group
    if (sablier.isEnabled) fields.idleAfter = Math.max(1, idleOf(draft, sessions))
    if (draft.isPublished || needed.has(draft) || Number(fields.min) > 0) continue
    fields.min = fields.replicas
    notes.changed(
      [],
      `no request reaches ${service} and no other needs it: it never sleeps`,
      'if one does, say so: depends_on; if requests do: ports',
    )
  }
}

function needsOf(draft: Draft, drafts: readonly Draft[]): Set<Draft> {
  const found = draft.needs.flatMap((name) => {
    const other = drafts.find(({ service }) => service === name)
    if (other) return [other]
    draft.notes.left(
      ['depends_on'],
      `${name} is not imported with it`,
      `import it too, then: reveille app set ${draft.name} --depends-on ...`,
    )
    return []
  })
  return new Set(found)
}

/** Sablier wakes a group as one: here, whoever is asked for needs those of it that nobody can ask for. */
function wakeTogether(drafts: readonly Draft[], needs: ReadonlyMap<Draft, Set<Draft>>): void {
  const names = new Set(drafts.flatMap(({ sablier }) => sablier.groups))
  for (const name of names) {
    const members = drafts.filter(({ sablier }) => sablier.groups.includes(name))
    publishFronts(members, needs)
    const asked = members.filter(({ isPublished }) => isPublished)
    for (const one of asked)
      for (const other of members) if (!other.isPublished) needs.get(one)?.add(other)
    if (asked.length > 1)
      for (const one of asked)
        one.notes.changed(
          ['labels'],
          `a request wakes it alone, not all of Sablier's group ${name}`,
          `where it needs another: reveille app set ${one.name} --depends-on ...`,
        )
  }
}

/** Sablier is told by its proxy which of a group is asked for. Where the file has no word of it: those that no other needs. */
function publishFronts(members: readonly Draft[], needs: ReadonlyMap<Draft, Set<Draft>>): void {
  if (members.some(({ isPublished }) => isPublished)) return
  const needed = new Set([...needs.values()].flatMap((all) => [...all]))
  for (const member of members) {
    if (needed.has(member)) continue
    member.isPublished = true
    member.fields.route = 'path'
    member.notes.changed(
      ['labels'],
      `the file has no route to it: it is asked for at /${member.name}/`,
      `give it a host name: reveille app set ${member.name} --route ...`,
    )
  }
}

function idleOf({ service, sablier }: Draft, sessions: Sessions): number {
  const spans = sablier.groups.flatMap((group) => sessions.groups.get(group) ?? [])
  return sessions.services.get(service) ?? (spans.length > 0 ? Math.max(...spans) : sessions.all)
}

/**
 * Services of one network reach each other by name, as members of one group do. Networks that share a service become one
 * group: an app is in one.
 */
function groupsOf(drafts: readonly Draft[], project: string): Map<Draft, string> {
  const found = new Map<Draft, string>()
  const open = new Set(drafts)
  for (const first of drafts) {
    if (!open.delete(first)) continue
    const members = [first]
    for (const member of members)
      for (const other of open)
        if (other.networks.some((network) => member.networks.includes(network))) {
          members.push(other)
          open.delete(other)
        }
    if (members.length === 1) continue
    const isFirst = found.size === 0
    const name = isFirst ? project : `${project}-${first.name}`
    for (const member of members) found.set(member, name)
    first.notes.changed(
      [],
      `${members.map(({ service }) => service).join(', ')} share a network: they are group ${name}, on one host`,
      'for others to be elsewhere, give them a network of their own',
    )
    tellMerged(members, name)
  }
  return found
}

function tellMerged(members: readonly Draft[], group: string): void {
  for (const { notes, networks } of members)
    if (networks.length > 1)
      notes.changed(
        ['networks'],
        `${networks.join(' and ')} are one here: all of group ${group} reach each other`,
        'leave the service out of one to keep them apart',
      )
}
