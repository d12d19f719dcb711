// What the Node clients share: commands come as JSON lines on the standard input, answers go to the standard output.
import { createInterface } from 'node:readline'

const json = (_, value) => (typeof value === 'bigint' ? Number(value) : value)

/** Answers commands with the client's methods until the input ends. */
export async function serve (client, can, version) {
  say({ can, version })
  for await (const line of createInterface({ input: process.stdin })) {
    const { cmd, ...rest } = JSON.parse(line)
    try {
      say({ ok: (await client[cmd](rest)) ?? null })
    } catch (error) {
      console.error(error)
      say({ error: `${error.name}: ${error.message}` })
    }
  }
  process.exit(0)
}

function say (answer) {
  process.stdout.write(JSON.stringify(answer, json) + '\n')
}

export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

/** Takes from `records` until there are `count`, or `timeout` seconds are over. */
export async function take (records, count, timeout) {
  const end = Date.now() + timeout * 1000
  while (records.length < count && Date.now() < end) await sleep(10)
  return records.splice(0, records.length)
}
