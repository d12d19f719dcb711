// KafkaJS. It has no consumer without a group: to read a partition it joins one of its own and seeks.
import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import { serve, sleep, take } from './wire.mjs'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.Snappy] = snappy
const { version } = createRequire(import.meta.url)('kafkajs/package.json')
const codecs = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy }

class Client {
  constructor (bootstrap) {
    const logCreator = () => entry => console.error(entry.label, entry.namespace, entry.log.message, entry.log.error ?? '')
    this.kafka = new Kafka({ brokers: bootstrap.split(','), clientId: 'conformance', logLevel: logLevel.WARN, logCreator })
    this.admin = this.kafka.admin()
  }

  async create ({ topic, partitions, replication }) {
    const made = await this.admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: replication }], waitForLeaders: true
    })
    if (!made) throw new Error('the topic exists')
  }

  delete = ({ topic }) => this.admin.deleteTopics({ topics: [topic] })
  topics = async () => (await this.admin.listTopics()).sort()

  async describe ({ topic }) {
    const { topics: [found] } = await this.admin.fetchTopicMetadata({ topics: [topic] })
    return found.partitions
      .map(p => ({ partition: p.partitionId, leader: p.leader, replicas: p.replicas.sort(), isr: p.isr.sort() }))
      .sort((a, b) => a.partition - b.partition)
  }

  async produce ({ topic, partition, values, acks, compression, idempotent, timestamp }) {
    const producer = this.kafka.producer({ idempotent, maxInFlightRequests: idempotent ? 1 : undefined })
    await producer.connect()
    const messages = values.map((value, at) => ({
      partition, key: `k${at}`, value, timestamp: timestamp ? String(timestamp + at) : undefined
    }))
    await producer.send({ topic, messages, acks: { all: -1, 1: 1, 0: 0 }[acks], compression: codecs[compression] })
    await producer.disconnect()
  }

  async transact ({ topic, id, rounds }) {
    const producer = this.kafka.producer({ transactionalId: id, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (const [values, commit] of rounds) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: values.map((value, at) => ({ partition: at % 2, key: `k${at}`, value })) })
      await (commit ? transaction.commit() : transaction.abort())
    }
    await producer.disconnect()
  }

  async read ({ topic, partition, offset, count }) {
    const records = []
    const consumer = await this.consumer(`reader-${topic}-${Date.now()}`, topic, r => {
      if (r.partition === partition && r.offset >= offset) records.push(r)
    })
    consumer.seek({ topic, partition, offset: String(offset) })
    const found = await take(records, count, 20)
    await consumer.disconnect()
    return found.slice(0, count)
  }

  async offsets ({ topic, partition }) {
    const found = (await this.admin.fetchTopicOffsets(topic)).find(p => p.partition === partition)
    return [Number(found.low), Number(found.high)]
  }

  async offset_at ({ topic, partition, time }) {
    const found = (await this.admin.fetchTopicOffsetsByTimestamp(topic, time)).find(p => p.partition === partition)
    return Number(found.offset)
  }

  // ---- groups

  async consumer (groupId, topic, each) {
    const consumer = this.kafka.consumer({
      groupId, sessionTimeout: 6000, heartbeatInterval: 500, maxWaitTimeInMs: 100, rebalanceTimeout: 10000
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.owned = payload.memberAssignment[topic] ?? []
    })
    consumer.on(consumer.events.REBALANCING, () => { this.owned = [] })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message: m }) => {
        each({ partition, offset: Number(m.offset), key: m.key.toString(), value: m.value.toString(), timestamp: Number(m.timestamp) })
      }
    })
    return consumer
  }

  async join ({ group, topic }) {
    this.owned = []
    this.records = []
    this.taken = new Map()
    this.topic = topic
    // It is a member once the others have rejoined: not to be waited for here.
    this.member = this.consumer(group, topic, record => this.records.push(record))
    this.member.catch(error => console.error(error))
    await sleep(100)
  }

  async assigned () {
    await sleep(100)
    return [...this.owned].sort()
  }

  async take ({ count, timeout }) {
    const found = await take(this.records, count, timeout)
    for (const { partition, offset } of found) this.taken.set(partition, offset + 1)
    return found
  }

  async commit () {
    const consumer = await this.member
    await consumer.commitOffsets([...this.taken].map(([partition, offset]) => ({ topic: this.topic, partition, offset: String(offset) })))
  }

  async leave () {
    await (await this.member).disconnect()
  }

  async committed ({ group, topic }) {
    const [found] = await this.admin.fetchOffsets({ groupId: group, topics: [topic] })
    return Object.fromEntries(found.partitions.filter(p => Number(p.offset) >= 0).map(p => [p.partition, Number(p.offset)]))
  }

  async reset ({ group, topic, offsets }) {
    const partitions = Object.entries(offsets).map(([partition, offset]) => ({ partition: Number(partition), offset: String(offset) }))
    await this.admin.setOffsets({ groupId: group, topic, partitions })
  }

  groups = async () => (await this.admin.listGroups()).groups.map(group => group.groupId).sort()

  async describe_group ({ group }) {
    const { groups: [found] } = await this.admin.describeGroups([group])
    return { state: found.state.toLowerCase(), members: found.members.length }
  }

  delete_group = ({ group }) => this.admin.deleteGroups([group])
}

const client = new Client(process.argv[2])
await client.admin.connect()
await serve(client, {
  compression: Object.keys(codecs), idempotent: true, assign: false, admin: true, offset_at: true, group: true, group_admin: true, reset: true, delete_group: true,
  transact: true
}, version)
