// @platformatic/kafka. It has no consumer without a group: to read a partition it joins one of its own at given offsets.
import { readFileSync } from 'node:fs'
import { Admin, Consumer, ListOffsetTimestamps, ProduceAcks, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import zlib from 'node:zlib'
import { serve, sleep, take } from './wire.mjs'

const { version } = JSON.parse(readFileSync(new URL('../node_modules/@platformatic/kafka/package.json', import.meta.url)))
const acks = { all: ProduceAcks.ALL, 1: ProduceAcks.LEADER, 0: ProduceAcks.NO_RESPONSE }

class Client {
  constructor (bootstrap) {
    this.base = { clientId: 'conformance', bootstrapBrokers: bootstrap.split(','), autocreateTopics: false }
    this.admin = new Admin(this.base)
  }

  create = ({ topic, partitions, replication }) => this.admin.createTopics({ topics: [topic], partitions, replicas: replication })
  delete = ({ topic }) => this.admin.deleteTopics({ topics: [topic] })
  topics = async () => (await this.admin.listTopics()).sort()

  async describe ({ topic }) {
    const found = (await this.admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)
    return found.partitions.map(({ leader, replicas, isr }, partition) => ({ partition, leader, replicas: replicas.sort(), isr: isr.sort() }))
  }

  async produce ({ topic, partition, values, acks: wanted, compression, idempotent, timestamp }) {
    const producer = new Producer({ ...this.base, serializers: stringSerializers, idempotent })
    const messages = values.map((value, at) => ({
      topic, partition, key: `k${at}`, value, timestamp: timestamp ? BigInt(timestamp + at) : undefined
    }))
    await producer.send({ messages, acks: acks[wanted], compression })
    await producer.close()
  }

  consumer (groupId) {
    return new Consumer({
      ...this.base, groupId, deserializers: stringDeserializers, sessionTimeout: 6000, heartbeatInterval: 500,
      rebalanceTimeout: 10000, maxWaitTime: 100, autocommit: false
    })
  }

  async read ({ topic, partition, offset, count }) {
    const records = []
    const consumer = this.consumer(`reader-${topic}-${Date.now()}`)
    const partitions = (await this.describe({ topic })).length
    const offsets = Array.from({ length: partitions }, (_, p) => ({ topic, partition: p, offset: BigInt(p === partition ? offset : 0) }))
    const stream = await consumer.consume({ topics: [topic], mode: 'manual', offsets })
    stream.on('data', m => { if (m.partition === partition) records.push(record(m)) })
    const found = await take(records, count, 20)
    await consumer.close(true)
    return found.slice(0, count)
  }

  async list (topic, partition, timestamp) {
    const [found] = await this.admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: BigInt(timestamp) }] }] })
    return Number(found.partitions[0].offset)
  }

  offsets = async ({ topic, partition }) => [
    await this.list(topic, partition, ListOffsetTimestamps.EARLIEST), await this.list(topic, partition, ListOffsetTimestamps.LATEST)
  ]

  offset_at = ({ topic, partition, time }) => this.list(topic, partition, time)

  // ---- groups

  async join ({ group, topic }) {
    this.records = []
    this.last = new Map()
    this.topic = topic
    this.member = this.consumer(group)
    const options = { topics: [topic], mode: 'committed', fallbackMode: 'earliest' }
    // It is a member once the others have rejoined: not to be waited for here.
    this.member.consume(options).then(stream => {
      stream.on('data', message => this.records.push(record(message)))
      stream.on('error', error => console.error(error))
    }, error => console.error(error))
    await sleep(100)
  }

  async assigned () {
    await sleep(100)
    const found = this.member.assignments?.find(one => one.topic === this.topic)
    return [...(found?.partitions ?? [])].sort()
  }

  async take ({ count, timeout }) {
    const found = await take(this.records, count, timeout)
    for (const { partition, offset } of found) this.last.set(partition, offset)
    return found
  }

  async commit () {
    const offsets = [...this.last].map(([partition, offset]) => ({ topic: this.topic, partition, offset: BigInt(offset + 1), leaderEpoch: -1 }))
    await this.member.commit({ offsets })
  }

  leave = () => this.member.close(true)

  async committed ({ group, topic }) {
    const [found] = await this.admin.listConsumerGroupOffsets({ groups: [group] })
    const partitions = found.topics.find(one => one.name === topic)?.partitions ?? []
    return Object.fromEntries(partitions.map(p => [p.partitionIndex, Number(p.committedOffset)]))
  }

  reset = ({ group, topic, offsets }) => this.admin.alterConsumerGroupOffsets({
    groupId: group,
    topics: [{ name: topic, partitionOffsets: Object.entries(offsets).map(([p, offset]) => ({ partition: Number(p), offset: BigInt(offset) })) }]
  })

  groups = async () => [...(await this.admin.listGroups()).keys()].sort()

  async describe_group ({ group }) {
    const found = (await this.admin.describeGroups({ groups: [group] })).get(group)
    return { state: found.state.toLowerCase().replaceAll('_', ''), members: found.members.size }
  }

  delete_group = ({ group }) => this.admin.deleteGroups({ groups: [group] })
}

const record = m => ({ partition: m.partition, offset: Number(m.offset), key: m.key, value: m.value, timestamp: Number(m.timestamp) })

await serve(new Client(process.argv[2]), {
  compression: ['none', 'gzip', 'snappy', 'lz4', ...(zlib.zstdCompressSync ? ['zstd'] : [])], idempotent: true, assign: false,
  admin: true, offset_at: true, group: true, group_admin: true, reset: true, delete_group: true
}, version)
