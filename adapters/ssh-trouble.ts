const REMEDIES: [RegExp, string][] = [
  [
    /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No .* host key is known/i,
    'its host key is not the one in known_hosts: compare it on that machine (ssh-keygen -lf), then add it (ssh-keyscan)',
  ],
  [
    /Permission denied/i,
    'it does not let us in: add our public key to authorized_keys there, and see which key and user ssh takes',
  ],
  [
    /open failed: (?:connect|administratively|unknown)/i,
    'we are let in, but not to the socket of the engine: does dockerd run, and is the user in the group docker?',
  ],
  [/Connection refused/i, 'no sshd listens there'],
  [
    /No route to host|Network is unreachable|timed out/i,
    'that machine is down or not in this network',
  ],
]

/** What ssh said last, in one line, with what to do about it. '' if it said nothing. */
export function explainSsh(said: string): string {
  const lines = said.split('\n').map((line) => line.trim())
  // what it warns of and what it frames its warnings with is not why it failed
  const last =
    lines.filter((line) => /[a-z]/i.test(line) && !line.startsWith('Warning:')).at(-1) ?? ''
  const remedy = REMEDIES.find(([words]) => words.test(said))?.[1]
  return remedy === undefined ? last : `${last} (${remedy})`
}
