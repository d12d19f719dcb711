// A program with node-rdkafka: two members of a group share what is written, and a third resumes.

import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Kafka from 'node-rdkafka'

const TOPIC = 'orders', GROUP = 'readers'
const PARTITIONS = 6
// How many records two members share, and how many one finds that comes after they left.
const FIRST = 3000, MORE = 500
const PATIENCE = 60_000
const servers = { 'metadata.broker.list': process.env.BOOTSTRAP_SERVERS }
const key = (number) => `key-${number % 100}`

const counts = { written: 0, read: 0, 'members that read': 0, resumed: 0, twice: 0, wrong: 0, committed: 0 }
const seen = new Set(), readers = new Set()

async function until(what, find) {
  const end = Date.now() + PATIENCE
  while (!find()) {
    if (Date.now() > end) throw new Error(`${what}: not after ${PATIENCE / 1000} s: ${seen.size} records were read`)
    await sleep(20)
  }
}

function connect(client) {
  return new Promise((ready, failed) => {
    client.connect({ timeout: 20_000 }, (error) => (error ? failed(error) : ready(client)))
  })
}

const ended = (client) => new Promise((done) => client.disconnect(done))

async function write(count) {
  const producer = await connect(new Kafka.Producer({ ...servers, 'enable.idempotence': true, dr_cb: true,
    'compression.codec': 'snappy' }))
  let delivered = 0, failed = null
  producer.on('delivery-report', (error) => (error ? (failed = error) : delivered++))
  producer.setPollInterval(20)
  for (const end = counts.written + count; counts.written < end; counts.written++) {
    producer.produce(TOPIC, null, Buffer.from(String(counts.written)), key(counts.written))
  }
  await until('records are delivered', () => failed || delivered === count)
  if (failed) throw failed
  await ended(producer)
}

// Starts a member, and gives it with what has it leave.
async function join(name) {
  const consumer = await connect(new Kafka.KafkaConsumer({ ...servers, 'group.id': GROUP, 'enable.auto.commit': false },
    { 'auto.offset.reset': 'earliest' }))
  consumer.setDefaultConsumeTimeout(200)
  consumer.subscribe([TOPIC])
  const consume = promisify(consumer.consume.bind(consumer))
  let running = true
  const reading = (async () => {
    while (running) {
      const records = await consume(100)
      for (const record of records) {
        const text = record.value.toString()
        if (key(Number(text)) !== record.key.toString()) counts.wrong++
        if (seen.has(text)) counts.twice++
        seen.add(text)
        readers.add(name)
        consumer.commitMessageSync(record)
      }
    }
  })()
  return { consumer, leave: async () => { running = false; await reading; await ended(consumer) } }
}

async function run() {
  const admin = Kafka.AdminClient.create(servers)
  await promisify(admin.createTopic.bind(admin))({ topic: TOPIC, num_partitions: PARTITIONS, replication_factor: 3 })
  admin.disconnect()
  const members = [await join('one'), await join('two')]
  await until('two members share the partitions', () => {
    const owned = members.map(({ consumer }) => consumer.assignments().length)
    return owned.every(Boolean) && owned[0] + owned[1] === PARTITIONS
  })
  await write(FIRST)
  await until('two members have read all', () => seen.size >= FIRST)
  counts.read = seen.size
  for (const member of members) await member.leave()
  await write(MORE)
  const last = await join('three')
  await until('a third has read the rest', () => seen.size >= FIRST + MORE)
  counts.resumed = seen.size - counts.read
  counts['members that read'] = readers.size
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition }))
  const committed = await promisify(last.consumer.committed.bind(last.consumer))(partitions, 20_000)
  counts.committed = committed.reduce((sum, { offset }) => sum + Math.max(offset ?? 0, 0), 0)
  await last.leave()
}

try {
  await run()
  const { version } = createRequire(import.meta.url)('node-rdkafka/package.json')
  console.log(JSON.stringify({ version: `${version.replace(/^v/, '')}, librdkafka ${Kafka.librdkafkaVersion}`, counts }))
} catch (error) {
  console.log(JSON.stringify({ error: String(error?.message ?? error) }))
}
process.exit(0)
