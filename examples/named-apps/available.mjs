// An isAvailable hook: which names may become an app by their first request. Run a launcher with --available <this file>.
// Single letters, but not those that are read as digits.
const MISREAD = ['I', 'O']

export default ({ name }) => /^[A-Z]$/.test(name) && !MISREAD.includes(name)
