// Fills a cluster with what log directories can hold, and tells what a cluster holds: the two ends of a directory's
// journey between Apache Kafka and the gateway. Prints one line a fact, in order, so that two clusters can be compared as
// text.

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Directories {
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    static String servers;

    public static void main(String[] args) throws Exception {
        servers = args[1];
        switch (args[0]) {
            case "write" -> write(Short.parseShort(args[2]));
            case "tell" -> tell();
            case "finish" -> finish();
            default -> throw new IllegalArgumentException(args[0]);
        }
        // The producer of the open transaction is not closed: that would abort it.
        Runtime.getRuntime().halt(0);
    }

    static Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", servers));
    }

    static KafkaProducer<String, String> producer(Map<String, Object> more) {
        Properties settings = new Properties();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.putAll(more);
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    /** Ten minutes: a transaction that is left open is open still on the other side. */
    static KafkaProducer<String, String> transactional(String id) {
        KafkaProducer<String, String> producer = producer(Map.of(
            ProducerConfig.TRANSACTIONAL_ID_CONFIG, id, ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, 600_000
        ));
        producer.initTransactions();
        return producer;
    }

    static void send(KafkaProducer<String, String> producer, String topic, String prefix, int count) throws Exception {
        List<Future<?>> sent = new ArrayList<>();
        for (int at = 0; at < count; at++) {
            ProducerRecord<String, String> record = new ProducerRecord<>(topic, "key-" + at % 17, prefix + "-" + at);
            record.headers().add("at", Integer.toString(at).getBytes(StandardCharsets.UTF_8));
            sent.add(producer.send(record));
        }
        producer.flush();
        for (Future<?> one : sent) {
            one.get();
        }
    }

    static void write(short replicas) throws Exception {
        try (Admin admin = admin()) {
            List<NewTopic> topics = new ArrayList<>();
            for (String codec : CODECS) {
                topics.add(new NewTopic("codec-" + codec, 2, replicas));
            }
            topics.add(new NewTopic("moved", 3, replicas));
            topics.add(new NewTopic("compacted", 1, replicas).configs(Map.of(
                "cleanup.policy", "compact", "segment.bytes", "1048576", "min.cleanable.dirty.ratio", "0.01",
                "segment.ms", "1000", "max.compaction.lag.ms", "1000"
            )));
            admin.createTopics(topics).all().get();
            // The cleaner looks every half second, not every fifteen.
            ConfigResource brokers = new ConfigResource(ConfigResource.Type.BROKER, "");
            ConfigEntry backoff = new ConfigEntry("log.cleaner.backoff.ms", "500");
            AlterConfigOp soon = new AlterConfigOp(backoff, AlterConfigOp.OpType.SET);
            admin.incrementalAlterConfigs(Map.of(brokers, List.of(soon))).all().get();
        }
        for (String codec : CODECS) {
            try (KafkaProducer<String, String> producer = producer(Map.of("compression.type", codec))) {
                send(producer, "codec-" + codec, codec, 500);
            }
        }
        try (KafkaProducer<String, String> producer = producer(Map.of())) {
            for (int round = 0; round < 4; round++) {
                send(producer, "compacted", "round-" + round, 170);
                producer.send(new ProducerRecord<>("compacted", "key-" + round, null)).get();
                // The next record begins a new segment, and the one before may be compacted.
                Thread.sleep(1_100);
            }
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("read_committed", "plain-group")) {
            consumer.subscribe(List.of("codec-gzip", "codec-zstd"));
            int seen = 0;
            while (seen < 700) {
                seen += consumer.poll(Duration.ofMillis(200)).count();
            }
            consumer.commitSync();
        }
        awaitCompaction();
        try (KafkaProducer<String, String> producer = transactional("commits");
                KafkaConsumer<byte[], byte[]> member = consumer("read_committed", "transactional-group")) {
            for (int round = 0; round < 3; round++) {
                producer.beginTransaction();
                send(producer, "moved", "committed-" + round, 60);
                producer.sendOffsetsToTransaction(
                    Map.of(new TopicPartition("codec-none", 0), new OffsetAndMetadata(100 + round, "round " + round)),
                    member.groupMetadata()
                );
                producer.commitTransaction();
                producer.beginTransaction();
                send(producer, "moved", "aborted-" + round, 60);
                producer.abortTransaction();
            }
        }
        KafkaProducer<String, String> open = transactional("left-open");
        open.beginTransaction();
        send(open, "moved", "open", 60);
        try (KafkaProducer<String, String> producer = producer(Map.of())) {
            send(producer, "moved", "behind", 30);
        }
    }

    static void awaitCompaction() throws Exception {
        TopicPartition partition = new TopicPartition("compacted", 0);
        long until = System.nanoTime() + 60_000_000_000L;
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("read_uncommitted", null)) {
            consumer.assign(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            int count;
            do {
                if (System.nanoTime() > until) {
                    throw new IllegalStateException("nothing was compacted");
                }
                count = 0;
                consumer.seekToBeginning(List.of(partition));
                while (consumer.position(partition) < end) {
                    count += consumer.poll(Duration.ofMillis(200)).count();
                }
            } while (count > end / 2);
        }
    }

    static KafkaConsumer<byte[], byte[]> consumer(String isolation, String group) {
        Properties settings = new Properties();
        settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        if (group != null) {
            settings.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        }
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static void tell() throws Exception {
        try (Admin admin = admin()) {
            TreeSet<String> topics = new TreeSet<>(admin.listTopics().names().get());
            topics.removeIf(name -> name.startsWith("__"));
            var described = admin.describeTopics(topics).allTopicNames().get();
            List<TopicPartition> partitions = new ArrayList<>();
            for (String topic : topics) {
                System.out.println("topic " + topic + " " + described.get(topic).topicId());
                described.get(topic).partitions()
                    .forEach(one -> partitions.add(new TopicPartition(topic, one.partition())));
            }
            for (String isolation : List.of("read_uncommitted", "read_committed")) {
                for (TopicPartition partition : partitions) {
                    read(isolation, partition);
                }
            }
            TreeSet<String> groups = new TreeSet<>();
            admin.listGroups().all().get().forEach(one -> groups.add(one.groupId()));
            for (String group : groups) {
                TreeMap<String, String> lines = new TreeMap<>();
                admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
                    .forEach((partition, at) -> lines.put(partition.toString(), at.offset() + " " + at.metadata()));
                lines.forEach((partition, at) -> System.out.println("group " + group + " " + partition + " " + at));
            }
            List<String> transactions = new ArrayList<>();
            for (TransactionListing one : admin.listTransactions().all().get()) {
                transactions.add("transaction " + one.transactionalId() + " " + one.producerId() + " " + one.state());
            }
            transactions.stream().sorted().forEach(System.out::println);
        }
    }

    static void read(String isolation, TopicPartition partition) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        int count = 0;
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(isolation, null)) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long begin = consumer.beginningOffsets(List.of(partition)).get(partition);
            // With read_committed this is the last stable offset.
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            long until = System.nanoTime() + 60_000_000_000L;
            while (consumer.position(partition) < end) {
                if (System.nanoTime() > until) {
                    long at = consumer.position(partition);
                    throw new IllegalStateException(partition + " stands at " + at + " of " + end);
                }
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    String line = record.offset() + "|" + record.timestamp() + "|" + text(record.key()) + "|"
                        + text(record.value());
                    for (Header header : record.headers()) {
                        line += "|" + header.key() + "=" + text(header.value());
                    }
                    digest.update(line.getBytes(StandardCharsets.UTF_8));
                    count++;
                }
            }
            System.out.println(isolation + " " + partition + " " + begin + " " + end + " " + count + " "
                + HexFormat.of().formatHex(digest.digest(), 0, 8));
        }
    }

    static String text(byte[] bytes) {
        return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
    }

    /** A new producer of the same id ends what was left open: from then on committed readers see all. */
    static void finish() throws Exception {
        try (KafkaProducer<String, String> producer = transactional("left-open")) {
            producer.beginTransaction();
            send(producer, "moved", "finished", 9);
            producer.commitTransaction();
        }
        tell();
    }
}
